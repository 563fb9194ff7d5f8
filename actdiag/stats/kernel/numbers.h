/* Single numbers of the types that C lacks, and masks of the first lanes. */

#ifndef ACTDIAG_NUMBERS_H
#define ACTDIAG_NUMBERS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define NAN16 0x7e00
#define NANB16 0x7fc0

/* Read from FIRST + 16 - n: all bits set in the first n lanes, none in the next 16 - n. */
#define ONES -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
static const int32_t FIRST32[32] = {ONES};
static const int64_t FIRST64[32] = {ONES};

static inline float of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float of_bfloat16(uint16_t half) { return of_bits((uint32_t)half << 16); }

static inline float of_float16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, size = half & 0x7fff;
    if (size >= 0x7c00) return of_bits(sign | 0x7f800000 | (size & 0x3ff) << 13);
    if (size >= 0x400) return of_bits(sign | ((size << 13) + (112u << 23)));
    float tiny = (float)size * 0x1p-24f;
    return sign ? -tiny : tiny;
}

#endif
