# On a Pi: pins 29, 31, 32, 33, 36, 35, 38, 40 of its header. Elsewhere what there is.
APP_CFLAGS := -DLEDS=$(if $(filter rpi%,$(BOARD)),5$(COMMA)6$(COMMA)12$(COMMA)13$(COMMA)16$(COMMA)19$(COMMA)20$(COMMA)21,0$(COMMA)1$(COMMA)2$(COMMA)3$(COMMA)4$(COMMA)5$(COMMA)6$(COMMA)7)
