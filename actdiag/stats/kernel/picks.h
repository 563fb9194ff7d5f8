/* Single values at scattered positions of each sample: counted in buckets, or gathered. */

/* The upper half of a value's float32 form: the bucket of quantiles.py. */
static inline uint16_t upper_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 16;
}

static inline uint16_t upper_of_double(double value) {
    if (isfinite(value)) value = value > FLT_MAX ? FLT_MAX : value < -FLT_MAX ? -FLT_MAX : value;
    return upper_half((float)value);
}

/* Zeros are counted apart: one counter would wait for itself again and again. */
#define AT_ONCE 256
#define COUNT_PICKS(E, KEY)                                                         \
    for (int64_t s = 0; s < v->picked_samples; s++) {                               \
        const E *sample = (const E *)data + s * v->picked_step;                     \
        for (int64_t from = 0; from < v->picks; from += AT_ONCE) {                  \
            int64_t end = from + AT_ONCE < v->picks ? from + AT_ONCE : v->picks;    \
            uint16_t keys[AT_ONCE];                                                 \
            int many = 0;                                                           \
            for (int64_t k = from; k < end; k++) {                                  \
                const E value = sample[v->offsets[k]];                              \
                keys[many] = KEY;                                                   \
                many += keys[many] != 0;                                            \
            }                                                                       \
            zeros += end - from - many;                                             \
            for (int k = 0; k < many; k++) counts[keys[k]]++;                       \
        }                                                                           \
    }

static void count_picks(const View *v, const void *data, int32_t *counts) {
    int64_t zeros = 0;
    switch (v->dtype) {
    case FLOAT16: COUNT_PICKS(uint16_t, upper_half(of_float16(value))) break;
    case BFLOAT16: COUNT_PICKS(uint16_t, value) break;
    case FLOAT64: COUNT_PICKS(double, upper_of_double(value)) break;
    default: COUNT_PICKS(float, upper_half(value))
    }
    counts[0] += (int32_t)zeros;
}

static int64_t gather_picks(const View *v, const void *data, double *values) {
    int64_t spoiled = 0;
    for (int64_t s = 0; s < v->picked_samples; s++)
        for (int64_t k = 0; k < v->picks; k++) {
            *values = value_at(v, data, s * v->picked_step + v->offsets[k]);
            spoiled += !isfinite(*values++);
        }
    return spoiled;
}
