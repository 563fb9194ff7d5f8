/* One walk on several threads.

   Where units lie in rows of positions, each thread has a range of units. Where units are
   neighbours, each has a range of samples, or of positions where there is one sample, and a part of
   its own: whole rows of neighbours are what a thread reads fastest, and often wrote itself just
   before. The parts are joined in their order, so that the same number of threads gives the same
   numbers bit for bit, and another one the same but for the rounding of sums. */

#if !defined(_WIN32)
#include <unistd.h>
#endif

#define ENOUGH 32768 /* values that are worth a thread of their own */
#define MOST_PARTS 64

typedef struct {
    const View *view;
    const void *data;
    Part *part;
    const Regions *regions;
    int sign, shifts, only_regions;
    int64_t ranges;
    int64_t width;       /* of a range of units; 0 where each range has a part of its own */
    int64_t next;        /* range that no thread has begun, after the first, which is the caller's */
    const char *caller;  /* `here` of the calling thread */
    int spoiled;
    Part *others;        /* parts of the ranges after the first, and of what ReLU makes of them */
} Walk;

static __thread char here;

static Part part_from(const Part *part, int64_t u, int wide) {
    Part own = *part;
    double **doubles[] = {&own.shift, &own.sum,   &own.squares, &own.absolute,
                          &own.one,   &own.pivot, &own.means,   &own.spread};
    void **numbers[] = {&own.low,   &own.high,  &own.zeros, &own.positive,
                        &own.below, &own.above, &own.linear};
    for (int k = 0; k < 8; k++)
        if (*doubles[k]) *doubles[k] += u;
    for (int k = 0; k < 7; k++)
        if (*numbers[k]) *numbers[k] = (char *)*numbers[k] + u * (wide ? 8 : 4);
    if (u > 0) own.soon = NULL;
    return own;
}

static int64_t size_of(const View *v) {
    return v->dtype == FLOAT64 ? 8 : v->dtype == FLOAT32 ? 4 : 2;
}

static void walk_range(Walk *walk, const View *v, int64_t place, Part *part) {
    const void *data = (const char *)walk->data + place * size_of(v);
    if (!walk->only_regions)
        kernels->walk[v->dtype](v, data, part, walk->regions, walk->sign, walk->shifts);
    else if (kernels->region_walk[v->dtype](v, data, part, walk->regions) != 0)
        __atomic_store_n(&walk->spoiled, 1, __ATOMIC_RELAXED);
}

static void walk_units(Walk *walk, int64_t range) {
    const int64_t from = range * walk->width, rest = walk->view->units - from;
    View own = *walk->view;
    own.units = rest < walk->width ? rest : walk->width;
    const int wide = own.dtype == FLOAT64;
    Part part = part_from(walk->part, from, wide), rectified;
    if (part.rectified) rectified = part_from(part.rectified, from, wide), part.rectified = &rectified;
    walk_range(walk, &own, from * own.unit_step, &part);
}

/* What is cut into ranges: samples, or the outermost axis of positions where there is one sample. */
static int64_t cut_length(const View *v) {
    return v->samples > 1 || !v->axes ? v->samples : v->size[0];
}

static void walk_samples(Walk *walk, int64_t range) {
    View own = *walk->view;
    const int64_t length = cut_length(&own), wide = own.dtype == FLOAT64;
    const int64_t from = length * range / walk->ranges, end = length * (range + 1) / walk->ranges;
    int64_t step = own.sample_step;
    if (own.samples > 1) own.samples = end - from;
    else {
        step = own.step[0];
        own.positions = own.positions / own.size[0] * (end - from);
        own.size[0] = end - from;
        own.spans = 0; /* the sample ends with the last range */
    }
    Part *part = range ? walk->others + range - 1 : walk->part;
    if (range && !walk->only_regions) clear(part, walk->view, wide, 0);
    if (range && walk->only_regions) clear_extremes(part, walk->view, wide);
    if (range && (walk->regions || walk->only_regions)) clear_places(part, walk->view);
    walk_range(walk, &own, from * step, part);
}

static void walk_ranges(void *given) {
    Walk *walk = given;
    int64_t range = &here == walk->caller ? 0 : __atomic_fetch_add(&walk->next, 1, __ATOMIC_RELAXED);
    while (range < walk->ranges) {
        if (walk->width) walk_units(walk, range);
        else walk_samples(walk, range);
        range = __atomic_fetch_add(&walk->next, 1, __ATOMIC_RELAXED);
    }
}

/* After a fork the threads of the parent are not there. */
static int may_use_threads(void) {
#if defined(_WIN32)
    return in_parallel != NULL;
#else
    static int64_t owner = 0;
    int64_t none = 0;
    if (!in_parallel) return 0;
    __atomic_compare_exchange_n(&owner, &none, (int64_t)getpid(), 0, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
    return __atomic_load_n(&owner, __ATOMIC_RELAXED) == getpid();
#endif
}

static void cut_units(Walk *walk, int64_t threads) {
    const View *v = walk->view;
    const int64_t each = (v->units + threads - 1) / threads;
    walk->width = (each + WIDEST_LANES - 1) / WIDEST_LANES * WIDEST_LANES;
    walk->ranges = (v->units + walk->width - 1) / walk->width;
    if (walk->ranges > 1) in_parallel(walk_ranges, walk, (unsigned)walk->ranges, 0);
    else walk_ranges(walk);
}

/* Without memory for parts there are fewer ranges. */
static void cut_samples(Walk *walk, int64_t threads) {
    const View *v = walk->view;
    const int64_t length = cut_length(v), most = threads < MOST_PARTS ? threads : MOST_PARTS;
    const int rectifies = walk->part->rectified != NULL;
    Part others[MOST_PARTS], rectified[MOST_PARTS];
    double *memory[MOST_PARTS], *more[MOST_PARTS];
    int64_t many = 0;
    for (; many + 1 < most && many + 1 < length; many++) {
        memory[many] = new_part(&others[many], v->units);
        if (!memory[many]) break;
        others[many].shift = walk->part->shift;
        more[many] = rectifies ? new_part(&rectified[many], v->units) : NULL;
        if (rectifies) others[many].rectified = &rectified[many];
        if (!rectifies || more[many]) continue;
        free(memory[many]);
        break;
    }
    walk->width = 0;
    walk->ranges = many + 1;
    walk->others = others;
    if (many == 0) walk_ranges(walk);
    else in_parallel(walk_ranges, walk, (unsigned)walk->ranges, 0);
    for (int64_t k = 0; k < many; k++) {
        const int64_t from = v->samples * (k + 1) / walk->ranges;
        const int64_t samples = v->samples * (k + 2) / walk->ranges - from;
        kernels->join[v->dtype == FLOAT64](v, walk->part, &others[k], samples,
                                           walk->only_regions, walk->regions != NULL);
        free(memory[k]);
        free(more[k]);
    }
    if (walk->only_regions || !v->spans || v->samples > 1) return;
    for (Part *part = walk->part; part; part = part->rectified)
        for (int64_t u = 0; u < v->units; u++) part->pivot[u] = part->sum[u] / v->positions;
}

static int walk_all(Walk *walk, int64_t threads) {
    const View *v = walk->view;
    const int64_t most = v->units * v->samples * v->positions / ENOUGH;
    threads = threads < most ? threads : most;
    if (threads < 2 || !may_use_threads()) threads = 1;
    walk->caller = &here;
    walk->next = 1;
    if (threads > 1 && !in_rows(v)) cut_samples(walk, threads);
    else cut_units(walk, threads);
    return walk->spoiled;
}

static void walk(const View *v, const void *data, Part *part, const Regions *regions, int sign,
                 int shifts, int64_t threads) {
    Walk all = {.view = v, .data = data, .part = part, .regions = regions, .sign = sign,
                .shifts = shifts};
    walk_all(&all, threads);
}

static void blank_places(const View *v, double *table) {
    memset(table, 0, LEAST * v->units * sizeof(double));
    for (int64_t u = 0; u < v->units; u++) {
        table[LEAST * v->units + u] = INFINITY;
        table[MOST * v->units + u] = -INFINITY;
    }
}

/* Add to a table where the values lie with respect to a function. */
static void count_places(const View *v, const void *data, Part *part, double *table,
                         const Regions *regions, int64_t threads) {
    const int wide = v->dtype == FLOAT64;
    clear_extremes(part, v, wide);
    clear_places(part, v);
    Walk all = {.view = v, .data = data, .part = part, .regions = regions, .only_regions = 1};
    if (walk_all(&all, threads)) careful_regions(v, data, table, regions);
    else kernels->settle_regions[wide](v, part, table);
}
