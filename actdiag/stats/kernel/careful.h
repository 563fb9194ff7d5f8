/* One value at a time, for tensors that hold NaN or Inf: they are counted and left out. */

static inline double value_at(const View *v, const void *data, int64_t place) {
    switch (v->dtype) {
    case FLOAT16: return of_float16(((const uint16_t *)data)[place]);
    case BFLOAT16: return of_bfloat16(((const uint16_t *)data)[place]);
    case FLOAT64: return ((const double *)data)[place];
    default: return ((const float *)data)[place];
    }
}

static inline void take(Part *part, int64_t u, double value) {
    if (!isfinite(value)) {
        part->nan += isnan(value) != 0;
        return;
    }
    double away = value - part->shift[u], *low = part->low, *high = part->high;
    int64_t *zeros = part->zeros, *positive = part->positive;
    part->values[u]++;
    part->one[u] += away;
    part->squares[u] += away * away;
    part->absolute[u] += fabs(value);
    zeros[u] += value == 0;
    positive[u] += value > 0;
    if (value < low[u]) low[u] = value;
    if (value > high[u]) high[u] = value;
}

static void careful_walk(const View *v, const void *data, Part *part) {
    for (int64_t s = 0; s < v->samples; s++) {
        int64_t at[AXES] = {0}, place = s * v->sample_step;
        for (int64_t row = 0; row < v->positions; row++) {
            for (int64_t u = 0; u < v->units; u++)
                take(part, u, value_at(v, data, place + u * v->unit_step));
            place = next_row(v, v->axes, at, place);
        }
        for (int64_t u = 0; u < v->units; u++) {
            if (!part->values[u]) continue;
            double mean = part->one[u] / part->values[u];
            if (!part->seen[u]++) part->pivot[u] = mean;
            mean -= part->pivot[u];
            part->means[u] += mean;
            part->spread[u] += mean * mean;
            part->sum[u] += part->one[u];
            part->count[u] += part->values[u];
            part->one[u] = part->values[u] = 0;
        }
    }
}

/* The values' own shift serves where there is none yet: the mean of what is finite. */
static int careful_far(const View *v, Part *part) {
    const double *low = part->low, *high = part->high;
    int far = 0;
    for (int64_t u = 0; u < v->units; u++) {
        double count = part->count[u] ? part->count[u] : 1, mean = part->sum[u] / count;
        double squares = part->squares[u] - part->sum[u] * mean;
        far |= count * mean * mean > FARTHEST * squares && low[u] < high[u];
    }
    if (far)
        for (int64_t u = 0; u < v->units; u++)
            part->shift[u] += part->count[u] ? part->sum[u] / part->count[u] : 0;
    return far;
}

/* Rows as in regions.py; comparisons are made in the type of the values, as torch does. */
static void careful_regions(const View *v, const void *data, double *table, const Regions *regions) {
    const int64_t units = v->units;
    Regions in = *regions;
    if (v->dtype != FLOAT64) {
        in.below = (float)in.below, in.above = (float)in.above;
        in.first = (float)in.first, in.last = (float)in.last;
    }
    for (int64_t s = 0; s < v->samples; s++) {
        int64_t at[AXES] = {0}, place = s * v->sample_step;
        for (int64_t row = 0; row < v->positions; row++) {
            for (int64_t u = 0; u < units; u++) {
                double value = value_at(v, data, place + u * v->unit_step);
                table[SEEN * units + u]++;
                table[BELOW * units + u] += value < in.below;
                table[ABOVE * units + u] += value > in.above;
                table[LINEAR * units + u] += value >= in.first && value <= in.last;
                if (!isfinite(value)) {
                    table[SPOILED * units + u]++;
                    continue;
                }
                double *low = table + LEAST * units + u, *high = table + MOST * units + u;
                if (value < *low) *low = value;
                if (value > *high) *high = value;
            }
            place = next_row(v, v->axes, at, place);
        }
    }
}
