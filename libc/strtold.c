/*
 * libc/strtold.c - strtold() and scanf("%Lf") for a long double of 128 bits.
 *
 * newlib 3.3 stores the 80 bits of an x87 number whatever a long double is, so that here every text
 * reads as about zero; 4.6 has the right format, but both take "rounding mode unknown" for "toward
 * zero", so that printf's digits do not come back. Reading proper is newlib's own _strtodg_l(),
 * which rounds to any number of bits; this is the last step, in the place of newlib's: _strtorx_l()
 * of 3.3, _strtorQ_l() of 4.6.
 */
#include <float.h>
#include <locale.h>
#include <reent.h>
#include <stdint.h>

_Static_assert(LDBL_MANT_DIG == 113, "a long double is an IEEE binary128");

/* newlib's, not in its installed headers: a format, and what became of a text. */
struct format {
    int bits, exponent_min, exponent_max, rounding, sudden_underflow;
};
enum { ZERO, NORMAL, DENORMAL, INFINITE, NAN_QUIET, NAN_BITS, KIND = 7 };
enum { NEGATIVE = 0x108 }; /* 8 in 3.3, 0x100 in 4.6, where 8 is never set */
enum { ROUND_NEAR = 1 };
int _strtodg_l(struct _reent *r, const char *text, char **end, const struct format *format,
               __Long *exponent, __ULong *bits, locale_t locale);

int _strtorx_l(struct _reent *r, const char *text, char **end, int rounding, void *out, locale_t locale);
int _strtorQ_l(struct _reent *r, const char *text, char **end, int rounding, void *out, locale_t locale);

#define EXPONENT_BIAS 16383
#define FRACTION_BITS 112
#define TOP_FRACTION  0xffffu /* of the 16 bits of fraction in the upper word */
#define TOP_INFINITE  0x7fff0000u
#define TOP_NAN       0x7fff8000u
#define TOP_NEGATIVE  0x80000000u

static int read_binary128(struct _reent *r, const char *text, char **end, uint32_t *word,
                          locale_t locale) {
    static const struct format binary128 = {LDBL_MANT_DIG, LDBL_MIN_EXP - LDBL_MANT_DIG,
                                            LDBL_MAX_EXP - LDBL_MANT_DIG, ROUND_NEAR, 0};
    __ULong bits[4] = {0}; /* the lowest first, in word too */
    __Long exponent = 0;
    int kind = _strtodg_l(r, text, end, &binary128, &exponent, bits, locale);
    uint32_t top = bits[3];
    switch (kind & KIND) {
    case NORMAL:
        top = (top & TOP_FRACTION) | (uint32_t)(exponent + EXPONENT_BIAS + FRACTION_BITS) << 16;
        break;
    case DENORMAL:
        break;
    case INFINITE:
        top = TOP_INFINITE;
        bits[0] = bits[1] = bits[2] = 0;
        break;
    case NAN_QUIET:
    case NAN_BITS:
        top = TOP_NAN;
        bits[0] = bits[1] = bits[2] = 0;
        break;
    default:
        top = bits[0] = bits[1] = bits[2] = 0;
    }
    word[0] = bits[0];
    word[1] = bits[1];
    word[2] = bits[2];
    word[3] = top | ((kind & NEGATIVE) != 0 ? TOP_NEGATIVE : 0);
    return kind;
}

int _strtorx_l(struct _reent *r, const char *text, char **end, int rounding, void *out, locale_t locale) {
    (void)rounding;
    return read_binary128(r, text, end, out, locale);
}

int _strtorQ_l(struct _reent *r, const char *text, char **end, int rounding, void *out, locale_t locale) {
    (void)rounding;
    return read_binary128(r, text, end, out, locale);
}
