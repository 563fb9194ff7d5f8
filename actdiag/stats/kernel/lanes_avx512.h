/* Registers of 64 bytes: AVX-512 F, DQ, BW and VL. */

#define W 16
typedef __m512 VF_avx512;
#define VF VF_avx512
typedef __m512d VD_avx512;
#define VD VD_avx512
typedef __m512i VI_avx512;
#define VI VI_avx512
typedef __m512i VL_avx512;
#define VL VL_avx512

#define F_SET(a) _mm512_set1_ps(a)
#define D_SET(a) _mm512_set1_pd(a)
#define I_NONE _mm512_setzero_si512()
#define L_NONE _mm512_setzero_si512()

/* Of a NaN and a number these give the number, if the NaN comes first. */
INLINE VF I(f_min)(VF x, VF m) { return _mm512_min_ps(x, m); }
INLINE VF I(f_max)(VF x, VF m) { return _mm512_max_ps(x, m); }
INLINE VD I(d_min)(VD x, VD m) { return _mm512_min_pd(x, m); }
INLINE VD I(d_max)(VD x, VD m) { return _mm512_max_pd(x, m); }
#define F_COUNT(c, found) _mm512_mask_sub_epi32(c, found, c, _mm512_set1_epi32(-1))
#define D_COUNT(c, found) _mm512_mask_sub_epi64(c, found, c, _mm512_set1_epi64(-1))
#define F_EQUAL(x, t) _mm512_cmp_ps_mask(x, t, _CMP_EQ_OQ)
#define F_LESS(x, t) _mm512_cmp_ps_mask(x, t, _CMP_LT_OQ)
#define F_MORE(x, t) _mm512_cmp_ps_mask(x, t, _CMP_GT_OQ)
#define F_AT_LEAST(x, t) _mm512_cmp_ps_mask(x, t, _CMP_GE_OQ)
#define F_INSIDE(x, a, b) _mm512_mask_cmp_ps_mask(F_AT_LEAST(x, a), x, b, _CMP_LE_OQ)
#define D_EQUAL(x, t) _mm512_cmp_pd_mask(x, t, _CMP_EQ_OQ)
#define D_LESS(x, t) _mm512_cmp_pd_mask(x, t, _CMP_LT_OQ)
#define D_MORE(x, t) _mm512_cmp_pd_mask(x, t, _CMP_GT_OQ)
#define D_AT_LEAST(x, t) _mm512_cmp_pd_mask(x, t, _CMP_GE_OQ)
#define D_INSIDE(x, a, b) _mm512_mask_cmp_pd_mask(D_AT_LEAST(x, a), x, b, _CMP_LE_OQ)
/* Marks of tally.h. */
#define MASKS 1
#define PUT_MASK(to, found)               \
    do {                                  \
        const typeof(found) mask = found; \
        memcpy(to, &mask, sizeof mask);   \
    } while (0)
INLINE VI I(f_add_masked)(VI x, const uint8_t *mask, int value) {
    __mmask16 bits;
    memcpy(&bits, mask, sizeof bits);
    return _mm512_mask_add_epi32(x, bits, x, _mm512_set1_epi32(value));
}
INLINE VL I(d_add_masked)(VL x, const uint8_t *mask, int value) {
    return _mm512_mask_add_epi64(x, *mask, x, _mm512_set1_epi64(value));
}
#define D_ABS(x) _mm512_abs_pd(x)
/* The sum of two absolute values: that of the sum or of the difference, whichever is larger. */
#define D_ABS_BOTH(a, b, sum) _mm512_range_pd(sum, (a) - (b), 0xb)

INLINE VF I(load_float32)(const void *p) { return _mm512_loadu_ps(p); }
INLINE VD I(load_float64)(const void *p) { return _mm512_loadu_pd(p); }
INLINE VF I(load_float16)(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(p)); }
INLINE VF I(load_bfloat16)(const void *p) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
INLINE VD I(low_half)(VF x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
INLINE VD I(high_half)(VF x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }
/* Reading a half again costs less than moving it within the registers. */
#define LOW_OF(x, p) _mm512_cvtps_pd(_mm256_loadu_ps(p))
#define HIGH_OF(x, p) _mm512_cvtps_pd(_mm256_loadu_ps((p) + 8))

/* The first n lanes from memory, NaN in the others. */
#define FIRST(n) ((1u << (n)) - 1)
INLINE VF I(part_float32)(const void *p, int64_t n) {
    return _mm512_mask_loadu_ps(F_SET(NAN), FIRST(n), p);
}
INLINE VD I(part_float64)(const void *p, int64_t n) {
    return _mm512_mask_loadu_pd(D_SET(NAN), FIRST(n), p);
}
INLINE VF I(part_float16)(const void *p, int64_t n) {
    return _mm512_cvtph_ps(_mm256_mask_loadu_epi16(_mm256_set1_epi16(NAN16), FIRST(n), p));
}
INLINE VF I(part_bfloat16)(const void *p, int64_t n) {
    __m256i bits = _mm256_mask_loadu_epi16(_mm256_set1_epi16(NANB16), FIRST(n), p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}
#undef FIRST

/* Of as many registers as there are lanes, each for itself: neighbouring lanes of two registers are
   joined into one register, until one is left with a lane for each. */
#define JOIN_PAIRS(kind, OP, a, b) \
    OP(_mm512_unpacklo_##kind(a, b), _mm512_unpackhi_##kind(a, b))
#define JOIN_QUARTERS(kind, size, OP, a, b) \
    OP(_mm512_shuffle_##kind##size(a, b, 0x88), _mm512_shuffle_##kind##size(a, b, 0xdd))
#define DOUBLE_EACH(name, OP)                                                        \
    INLINE VD I(name)(const VD *x) {                                                 \
        VD two[4], four[2];                                                          \
        for (int k = 0; k < 4; k++) two[k] = JOIN_PAIRS(pd, OP, x[2 * k], x[2 * k + 1]); \
        for (int k = 0; k < 2; k++) four[k] = JOIN_QUARTERS(f64, x2, OP, two[2 * k], two[2 * k + 1]); \
        return JOIN_QUARTERS(f64, x2, OP, four[0], four[1]);                         \
    }
#define AS_PD(x) _mm512_castps_pd(x)
#define FLOAT_EACH(name, OP)                                                         \
    INLINE VF I(name)(const VF *x) {                                                 \
        VF two[8], four[4], eight[2];                                                \
        for (int k = 0; k < 8; k++) two[k] = JOIN_PAIRS(ps, OP, x[2 * k], x[2 * k + 1]); \
        for (int k = 0; k < 4; k++) {                                                \
            const VD a = AS_PD(two[2 * k]), b = AS_PD(two[2 * k + 1]);               \
            four[k] = OP(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),                 \
                         _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));                \
        }                                                                            \
        for (int k = 0; k < 2; k++) eight[k] = JOIN_QUARTERS(f32, x4, OP, four[2 * k], four[2 * k + 1]); \
        return JOIN_QUARTERS(f32, x4, OP, eight[0], eight[1]);                       \
    }
DOUBLE_EACH(d_add_each, _mm512_add_pd)
DOUBLE_EACH(d_least_each, _mm512_min_pd)
DOUBLE_EACH(d_most_each, _mm512_max_pd)
FLOAT_EACH(f_least_each, _mm512_min_ps)
FLOAT_EACH(f_most_each, _mm512_max_ps)
#undef AS_PD
#undef JOIN_PAIRS
#undef JOIN_QUARTERS
#undef DOUBLE_EACH
#undef FLOAT_EACH
