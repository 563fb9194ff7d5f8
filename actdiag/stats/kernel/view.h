/* How a tensor lies in memory, seen as (samples, units, positions...), and what one walk collects. */

#ifndef ACTDIAG_VIEW_H
#define ACTDIAG_VIEW_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define AXES 8
#define WIDEST_LANES 16
#define TILE 8 /* rows read side by side: as many streams as are fetched ahead */

/* The order is that of CODES in native.py. */
enum { FLOAT32, FLOAT16, BFLOAT16, FLOAT64 };

/* Steps are in elements. Field by field the Layout of native.py. */
typedef struct {
    int64_t dtype;
    int64_t samples, sample_step; /* one sample where the means of samples are not asked for */
    int64_t units, unit_step;
    int64_t axes, size[AXES], step[AXES]; /* of positions, the shortest step last */
    int64_t positions;                    /* product of the sizes */
    int64_t spans;                        /* whether samples have more than one position */
    int64_t picked_samples, picked_step;  /* of picks: every sample, whether it spans or not */
    int64_t picked_values;                /* of one such sample */
    int64_t picks, budget;                /* at most so many of a sample; see picks.py */
    const int64_t *offsets;               /* of the picks of a sample, from its first value */
    int64_t rows;                         /* positions at which all units may be copied */
    const int64_t *row_places;            /* of these, from a sample's first value */
} View;

/* Rows of the tables of moments.py and regions.py, each `units` long. */
enum { COUNT, NONFINITE, ZEROS, POSITIVE, ABSOLUTE, MEAN, REST, SQUARES, LOW, HIGH };
enum { SEEN, SPOILED, BELOW, ABOVE, LINEAR, LEAST, MOST };

/* Memory, as a list that ends with null. */
typedef struct Soon {
    const char *at, *end;
} Soon;

/* What a walk collects per unit; the vectors are long enough for whole registers.
   Sums are of values less `shift`; `means` and `spread` of samples' means less `pivot`. */
typedef struct Part {
    double *shift, *sum, *squares, *absolute;
    double *one, *pivot, *means, *spread; /* `one` is the sum of the sample that is being read */
    double *count, *seen, *values;        /* only where NaN and Inf are left out */
    void *low, *high, *zeros, *positive;
    void *below, *above, *linear; /* counts of values on each side of a function's thresholds */
    int64_t nan;
    struct Part *rectified; /* sums, pivots and spreads of what ReLU makes of the values, or null */
    struct Soon *soon;       /* memory that is needed right after the walk, or null */
} Part;

/* The thresholds of a function, NaN where it has none. */
typedef struct {
    double below, above, first, last;
} Regions;

/* Fetch so many lines of what is needed after the walk, while that is busy with its arithmetic. */
static inline void fetch(Part *part, int lines) {
    Soon *soon = part->soon;
    if (!soon) return;
    for (int k = 0; k < lines && soon->at; k++) {
        __builtin_prefetch(soon->at, 1, 2);
        soon->at += 64;
        if (soon->at >= soon->end) soon++;
    }
    part->soon = soon->at ? soon : NULL;
}

static inline int64_t whole_registers(int64_t units) {
    return (units + WIDEST_LANES - 1) / WIDEST_LANES * WIDEST_LANES;
}

static inline int64_t padded(int64_t units) { return units + WIDEST_LANES - units % WIDEST_LANES; }

/* Whether the positions of a unit are neighbours; else units are. */
static inline int in_rows(const View *view) {
    return view->axes && view->step[view->axes - 1] == 1 && view->size[view->axes - 1] > 1;
}

/* Whether rows of positions are so short that each sample is turned around. */
static inline int turns_around(const View *view, int lanes) {
    return in_rows(view) && view->axes == 1 && view->positions <= TILE &&
           view->units > 4 * lanes && view->unit_step == view->positions;
}

/* Steps through the outer position axes: `at` counts, the result is where it stands. */
static inline int64_t next_row(const View *view, int64_t axes, int64_t *at, int64_t offset) {
    for (int64_t axis = axes - 1; axis >= 0; axis--) {
        offset += view->step[axis];
        if (++at[axis] < view->size[axis]) return offset;
        offset -= view->size[axis] * view->step[axis];
        at[axis] = 0;
    }
    return -1;
}

static inline int64_t rows_of(const View *view, int64_t axes) {
    int64_t rows = 1;
    for (int64_t axis = 0; axis < axes; axis++) rows *= view->size[axis];
    return rows;
}

#endif
