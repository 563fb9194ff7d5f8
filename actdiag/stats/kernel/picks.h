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

/* Which of the places listed in the view are picked of one sample: `many`, from `start` on in
   steps, round and round. As chosen_of() of picks.py. */
typedef struct {
    int64_t start, step, many;
} Choice;

/* As mixed() of ranks.py. */
static inline int64_t mixed(int64_t number) {
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    int64_t bits = (int64_t)((uint64_t)(number + 1) * odd);
    bits = (int64_t)((uint64_t)(bits ^ (bits >> 31)) * odd);
    return bits ^ (bits >> 29);
}

/* `halvings` is 0, or that of a sample with a smaller number: it never becomes less. */
static Choice choice_from(const View *v, int64_t number, int halvings) {
    while (v->picks >> halvings > 1 && (v->picks >> halvings) * (number + 1) > v->budget) halvings++;
    const int64_t start = halvings ? mixed(number) % v->picks : 0;
    return (Choice){start < 0 ? start + v->picks : start, (int64_t)1 << halvings,
                    v->picks >> halvings};
}

static Choice choice_of(const View *v, int64_t number) { return choice_from(v, number, 0); }

static inline int64_t next_place(const View *v, const Choice *choice, int64_t place) {
    place += choice->step;
    return place < v->picks ? place : place - v->picks;
}

/* Each pick stands for as many values as there are for one pick. */
static inline double weight_of(const View *v, const Choice *choice) {
    return (double)v->picked_values / choice->many;
}

/* Buckets of picks that all weigh the same, to be counted together: each may have to be fetched.
   Zeros are counted apart: one counter would wait for itself again and again. */
#define AT_ONCE 256
typedef struct {
    int32_t *counts, weight, zeros;
    int many;
    uint16_t keys[AT_ONCE];
} Found;

static void count_found(Found *found) {
    found->counts[0] += found->weight * found->zeros;
    for (int k = 0; k < found->many; k++) found->counts[found->keys[k]] += found->weight;
    found->many = 0, found->zeros = 0;
}

#define COUNT_PICKS(E, KEY)                                                         \
    for (int64_t s = 0; s < v->picked_samples; s++) {                               \
        const E *sample = (const E *)data + s * v->picked_step;                     \
        const int64_t number = numbers ? numbers[s] : first + s;                    \
        halvings = number < before ? 0 : halvings;                                  \
        const Choice choice = choice_from(v, number, halvings);                     \
        if (choice.many != lastly) {                                                \
            count_found(&found);                                                    \
            found.weight = (int32_t)lrint(weight_of(v, &choice));                   \
        }                                                                           \
        before = number, lastly = choice.many;                                      \
        while (choice.step >> halvings > 1) halvings++;                             \
        int64_t place = choice.start;                                               \
        for (int64_t left = choice.many; left;) {                                   \
            const int room = AT_ONCE - found.many;                                  \
            const int now = left < room ? (int)left : room;                         \
            int many = found.many;                                                  \
            for (int k = 0; k < now; k++) {                                         \
                const E value = sample[v->offsets[place]];                          \
                place = next_place(v, &choice, place);                              \
                found.keys[many] = KEY;                                             \
                __builtin_prefetch(counts + found.keys[many], 1);                   \
                many += found.keys[many] != 0;                                      \
            }                                                                       \
            found.zeros += now - (many - found.many);                               \
            found.many = many, left -= now;                                         \
            if (found.many == AT_ONCE) count_found(&found);                         \
        }                                                                           \
    }

static void count_picks(const View *v, const void *data, int32_t *counts, int64_t first,
                        const int64_t *numbers) {
    Found found = {.counts = counts};
    int64_t before = INT64_MAX, lastly = -1;
    int halvings = 0;
    switch (v->dtype) {
    case FLOAT16: COUNT_PICKS(uint16_t, upper_half(of_float16(value))) break;
    case BFLOAT16: COUNT_PICKS(uint16_t, value) break;
    case FLOAT64: COUNT_PICKS(double, upper_of_double(value)) break;
    default: COUNT_PICKS(float, upper_half(value))
    }
    count_found(&found);
}

/* How many picks there are of all samples. */
static int64_t picks_of(const View *v, int64_t first) {
    int64_t many = 0;
    for (int64_t s = 0; s < v->picked_samples; s++) many += choice_of(v, first + s).many;
    return many;
}

/* Values and weights of the picks that are finite, one after the other; gives their number. */
static int64_t gather_picks(const View *v, const void *data, double *values, double *weights,
                            int64_t first, const int64_t *numbers) {
    int64_t found = 0;
    for (int64_t s = 0; s < v->picked_samples; s++) {
        const Choice choice = choice_of(v, numbers ? numbers[s] : first + s);
        const double weight = weight_of(v, &choice);
        int64_t place = choice.start;
        for (int64_t k = 0; k < choice.many; k++) {
            values[found] = value_at(v, data, s * v->picked_step + v->offsets[place]);
            weights[found] = weight;
            found += isfinite(values[found]) != 0;
            place = next_place(v, &choice, place);
        }
    }
    return found;
}

/* All units at some positions of some samples, each sample's rows into a slot of its own: of
   float64 as such, else float32. */
static void copy_rows(const View *v, const void *data, const int64_t *samples,
                      const int64_t *slots, int64_t many, void *out) {
    const int64_t *positions = v->row_places, each = v->rows;
    for (int64_t s = 0; s < many; s++)
        for (int64_t p = 0; p < each; p++) {
            const int64_t place = samples[s] * v->picked_step + positions[p];
            const int64_t row = (slots[s] * each + p) * v->units;
            if (v->dtype == FLOAT32 && v->unit_step == 1)
                memcpy((float *)out + row, (const float *)data + place, v->units * sizeof(float));
            else if (v->dtype == FLOAT32)
                for (int64_t u = 0; u < v->units; u++)
                    ((float *)out)[row + u] = ((const float *)data)[place + u * v->unit_step];
            else if (v->dtype == FLOAT64)
                for (int64_t u = 0; u < v->units; u++)
                    ((double *)out)[row + u] = ((const double *)data)[place + u * v->unit_step];
            else
                for (int64_t u = 0; u < v->units; u++)
                    ((float *)out)[row + u] = (float)value_at(v, data, place + u * v->unit_step);
        }
}
