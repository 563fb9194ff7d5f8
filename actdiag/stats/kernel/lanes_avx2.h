/* Registers of 32 bytes: AVX2 with FMA and F16C. */

#define W 8
typedef __m256 VF_avx2;
#define VF VF_avx2
typedef __m256d VD_avx2;
#define VD VD_avx2
typedef __m256i VI_avx2;
#define VI VI_avx2
typedef __m256i VL_avx2;
#define VL VL_avx2

#define F_SET(a) _mm256_set1_ps(a)
#define D_SET(a) _mm256_set1_pd(a)
#define I_NONE _mm256_setzero_si256()
#define L_NONE _mm256_setzero_si256()

/* Of a NaN and a number these give the number, if the NaN comes first. */
INLINE VF I(f_min)(VF x, VF m) { return _mm256_min_ps(x, m); }
INLINE VF I(f_max)(VF x, VF m) { return _mm256_max_ps(x, m); }
INLINE VD I(d_min)(VD x, VD m) { return _mm256_min_pd(x, m); }
INLINE VD I(d_max)(VD x, VD m) { return _mm256_max_pd(x, m); }
#define F_COUNT(c, found) _mm256_sub_epi32(c, _mm256_castps_si256(found))
#define D_COUNT(c, found) _mm256_sub_epi64(c, _mm256_castpd_si256(found))
#define F_EQUAL(x, t) _mm256_cmp_ps(x, t, _CMP_EQ_OQ)
#define F_LESS(x, t) _mm256_cmp_ps(x, t, _CMP_LT_OQ)
#define F_MORE(x, t) _mm256_cmp_ps(x, t, _CMP_GT_OQ)
#define F_AT_LEAST(x, t) _mm256_cmp_ps(x, t, _CMP_GE_OQ)
#define F_INSIDE(x, a, b) _mm256_and_ps(F_AT_LEAST(x, a), _mm256_cmp_ps(x, b, _CMP_LE_OQ))
#define D_EQUAL(x, t) _mm256_cmp_pd(x, t, _CMP_EQ_OQ)
#define D_LESS(x, t) _mm256_cmp_pd(x, t, _CMP_LT_OQ)
#define D_MORE(x, t) _mm256_cmp_pd(x, t, _CMP_GT_OQ)
#define D_AT_LEAST(x, t) _mm256_cmp_pd(x, t, _CMP_GE_OQ)
#define D_INSIDE(x, a, b) _mm256_and_pd(D_AT_LEAST(x, a), _mm256_cmp_pd(x, b, _CMP_LE_OQ))
#define MASKS 0
#define D_ABS(x) _mm256_andnot_pd(_mm256_set1_pd(-0.0), x)
#define D_ABS_BOTH(a, b, sum) (D_ABS(a) + D_ABS(b))

INLINE VF I(load_float32)(const void *p) { return _mm256_loadu_ps(p); }
INLINE VD I(load_float64)(const void *p) { return _mm256_loadu_pd(p); }
INLINE VF I(load_float16)(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128(p)); }
INLINE VF I(load_bfloat16)(const void *p) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
INLINE VD I(low_half)(VF x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x)); }
INLINE VD I(high_half)(VF x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)); }
/* Reading a half again costs less than moving it within the registers. */
#define LOW_OF(x, p) _mm256_cvtps_pd(_mm_loadu_ps(p))
#define HIGH_OF(x, p) _mm256_cvtps_pd(_mm_loadu_ps((p) + 4))

/* The first n lanes from memory, NaN in the others. */
INLINE VF I(part_float32)(const void *p, int64_t n) {
    __m256i mask = _mm256_loadu_si256((const void *)(FIRST32 + WIDEST_LANES - n));
    __m256 found = _mm256_maskload_ps(p, mask);
    return _mm256_blendv_ps(F_SET(NAN), found, _mm256_castsi256_ps(mask));
}
INLINE VD I(part_float64)(const void *p, int64_t n) {
    __m256i mask = _mm256_loadu_si256((const void *)(FIRST64 + WIDEST_LANES - n));
    __m256d found = _mm256_maskload_pd(p, mask);
    return _mm256_blendv_pd(D_SET(NAN), found, _mm256_castsi256_pd(mask));
}
INLINE VF I(part_float16)(const void *p, int64_t n) {
    uint16_t row[W] = {NAN16, NAN16, NAN16, NAN16, NAN16, NAN16, NAN16, NAN16};
    memcpy(row, p, n * sizeof *row);
    return I(load_float16)(row);
}
INLINE VF I(part_bfloat16)(const void *p, int64_t n) {
    uint16_t row[W] = {NANB16, NANB16, NANB16, NANB16, NANB16, NANB16, NANB16, NANB16};
    memcpy(row, p, n * sizeof *row);
    return I(load_bfloat16)(row);
}
