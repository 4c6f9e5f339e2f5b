# The text to count becomes part of the image: make run INPUT=path takes another one.
APP_INPUT := 1
