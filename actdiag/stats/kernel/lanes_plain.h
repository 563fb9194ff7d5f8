/* Registers of 16 bytes, which every machine has, in the vectors of GNU C. */

#define W 4
typedef float VF_plain __attribute__((vector_size(16)));
#define VF VF_plain
typedef double VD_plain __attribute__((vector_size(16)));
#define VD VD_plain
typedef int32_t VI_plain __attribute__((vector_size(16)));
#define VI VI_plain
typedef int64_t VL_plain __attribute__((vector_size(16)));
#define VL VL_plain

#define F_SET(a) ((VF){(a), (a), (a), (a)})
#define D_SET(a) ((VD){(a), (a)})
#define I_NONE ((VI){0, 0, 0, 0})
#define L_NONE ((VL){0, 0})

#define CHOOSE(kind, bits, mask, a, b) ((kind)(((bits)(a) & (mask)) | ((bits)(b) & ~(mask))))
INLINE VF I(f_min)(VF x, VF m) { return CHOOSE(VF, VI, x < m, x, m); }
INLINE VF I(f_max)(VF x, VF m) { return CHOOSE(VF, VI, x > m, x, m); }
INLINE VD I(d_min)(VD x, VD m) { return CHOOSE(VD, VL, x < m, x, m); }
INLINE VD I(d_max)(VD x, VD m) { return CHOOSE(VD, VL, x > m, x, m); }
#define F_COUNT(c, found) ((c) - (found))
#define D_COUNT(c, found) ((c) - (found))
#define F_EQUAL(x, t) ((x) == (t))
#define F_LESS(x, t) ((x) < (t))
#define F_MORE(x, t) ((x) > (t))
#define F_AT_LEAST(x, t) ((x) >= (t))
#define F_INSIDE(x, a, b) (((x) >= (a)) & ((x) <= (b)))
#define D_EQUAL F_EQUAL
#define D_LESS F_LESS
#define D_MORE F_MORE
#define D_AT_LEAST F_AT_LEAST
#define D_INSIDE F_INSIDE
#define MASKS 0
#define D_ABS(x) ((VD)((VL)(x) & INT64_MAX))
#define D_ABS_BOTH(a, b, sum) (D_ABS(a) + D_ABS(b))

INLINE VF I(load_float32)(const void *p) { VF v; memcpy(&v, p, sizeof v); return v; }
INLINE VD I(load_float64)(const void *p) { VD v; memcpy(&v, p, sizeof v); return v; }
INLINE VF I(load_float16)(const void *p) {
    uint16_t h[4];
    memcpy(h, p, sizeof h);
    return (VF){of_float16(h[0]), of_float16(h[1]), of_float16(h[2]), of_float16(h[3])};
}
INLINE VF I(load_bfloat16)(const void *p) {
    uint16_t h[4];
    memcpy(h, p, sizeof h);
    return (VF){of_bfloat16(h[0]), of_bfloat16(h[1]), of_bfloat16(h[2]), of_bfloat16(h[3])};
}
INLINE VD I(low_half)(VF x) { return (VD){x[0], x[1]}; }
INLINE VD I(high_half)(VF x) { return (VD){x[2], x[3]}; }
#define LOW_OF(x, p) I(low_half)(x)
#define HIGH_OF(x, p) I(high_half)(x)

/* The first n lanes from memory, NaN in the others. */
#define PART_BY_COPY(name, V, E, spoiled)                           \
    INLINE V I(part_##name)(const void *p, int64_t n) {             \
        E row[sizeof(V) / sizeof(E)];                               \
        for (int k = 0; k < W; k++) row[k] = spoiled;               \
        memcpy(row, p, n * sizeof(E));                              \
        return I(load_##name)(row);                                 \
    }
PART_BY_COPY(float32, VF, float, NAN)
PART_BY_COPY(float16, VF, uint16_t, NAN16)
PART_BY_COPY(bfloat16, VF, uint16_t, NANB16)
INLINE VD I(part_float64)(const void *p, int64_t n) {
    VD x = {NAN, NAN};
    memcpy(&x, p, n * sizeof(double));
    return x;
}
