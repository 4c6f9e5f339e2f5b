# This computer: cores are threads, one Linux process. Built by the native compiler, linked with its
# C library.
TITLE       := this computer (Linux)
HAL         := host
DRIVERS     :=
IMAGE       := bareloom
INPUT_MAX   := 268435456
CORES       := 4
