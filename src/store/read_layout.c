/* SPDX-License-Identifier: MIT */
/*
 * From the objects of the root to a layout: scales are dimensions, other datasets variables, each
 * in the order of creation; groups are passed over. A variable's dimensions are the scales
 * attached to it; how many of them are the grid's follows from its `scope`.
 *
 * The file may be anyone's, so everything is looked at before it is relied on, and what is missing
 * is named.
 */
#include "read_layout.h"

#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>

#include "attributes.h"
#include "define.h"
#include "frame_crc.h"
#include "rows.h"

/* What the store writes itself; the rest are the layout's own attributes. */
static const char *const derived[] = {
    "format",   "grid_dims",     PG_FRAME_CRC_ATTRIBUTE, "long_name",
    "units",    "flag_values",   "flag_meanings",        "_FillValue",
    "volatile", "scope",         "coordinates",          "CLASS",
    "NAME",     "_Netcdf4Dimid", "_NCProperties",        "_Netcdf4Coordinates",
    NULL,
};

struct scan {
    hid_t file;
    struct pg_pool *pool;
    struct pg_layout *layout;
};

static int out_of_memory(struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory: the layout of a results file");
}

/* Text that may be missing. */
static const char *keep(struct pg_pool *pool, const char *text)
{
    return text != NULL ? pg_pool_copy(pool, text) : NULL;
}

/* Words of `text`, NULL-terminated. */
static const char **split(struct pg_pool *pool, const char *text, size_t *ret_count)
{
    char *copy = pg_pool_copy(pool, text), *rest = NULL;
    const char **words = pg_pool_take(pool, (strlen(text) / 2 + 2) * sizeof *words);
    *ret_count = 0;
    if (copy == NULL || words == NULL)
        return NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[(*ret_count)++] = word;
    return words;
}

/* Length of a dimension scale; its type must be one that the store writes. */
static int check_scale(hid_t scale, const char *name, struct pg_dimension *dim,
                       struct pg_error *error)
{
    hid_t space = H5Dget_space(scale), type = H5Dget_type(scale);
    H5T_class_t class = H5Tget_class(type);
    size_t size = H5Tget_size(type);
    hsize_t length = 0;
    int status = 0;
    if (H5Sget_simple_extent_ndims(space) != 1 ||
        H5Sget_simple_extent_dims(space, &length, NULL) != 1 ||
        (class == H5T_STRING ? H5Tis_variable_str(type) <= 0 : size != 8) ||
        (class != H5T_STRING && class != H5T_INTEGER && class != H5T_FLOAT))
        status = pg_error_set(error, PG_EMISMATCH,
                              "dimension '%s' is not one row of int64, float64 or text", name);
    dim->length = (size_t)length;
    dim->kind = class == H5T_STRING  ? PG_COORDINATE_TEXT
                : class == H5T_FLOAT ? PG_COORDINATE_REAL
                                     : PG_COORDINATE_INTEGER;
    pg_h5_release(type);
    pg_h5_release(space);
    return status;
}

/* texts (count) of a dataset of variable-length text. */
static int read_texts(hid_t dataset, struct pg_pool *pool, size_t count,
                      const char *const **ret_texts, struct pg_error *error)
{
    const char **texts = pg_pool_take(pool, (count + 1) * sizeof *texts);
    char **found = calloc(count + 1, sizeof *found);
    hid_t type = pg_h5_text_type(), space = H5Dget_space(dataset);
    int status = texts == NULL || found == NULL ? out_of_memory(error) : 0;
    if (status == 0 && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, (void *)found) < 0)
        status = pg_h5_fail(error, PG_EMISMATCH, "cannot read text");
    for (size_t i = 0; i < count && status == 0; i++) {
        texts[i] = pg_pool_copy(pool, found[i] != NULL ? found[i] : "");
        if (texts[i] == NULL)
            status = out_of_memory(error);
    }
    if (status == 0)
        (void)H5Dvlen_reclaim(type, space, H5P_DEFAULT, (void *)found);
    pg_h5_release(space);
    pg_h5_release(type);
    free(found);
    *ret_texts = texts;
    return status;
}

static int read_coordinate(hid_t scale, struct pg_pool *pool, struct pg_dimension *dim,
                           struct pg_error *error)
{
    if (dim->kind == PG_COORDINATE_TEXT)
        return read_texts(scale, pool, dim->length, &dim->coordinate.texts, error);
    bool is_real = dim->kind == PG_COORDINATE_REAL;
    if (dim->length > SIZE_MAX / sizeof(double) - 1)
        return out_of_memory(error);
    void *values = pg_pool_take(pool, (dim->length + 1) * sizeof(double));
    if (values == NULL)
        return out_of_memory(error);
    if (H5Dread(scale, is_real ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, H5S_ALL, H5S_ALL,
                H5P_DEFAULT, values) < 0)
        return pg_h5_fail(error, PG_EMISMATCH, "cannot read the coordinate");
    if (is_real)
        dim->coordinate.reals = values;
    else
        dim->coordinate.integers = values;
    return 0;
}

static int read_dimension(const struct scan *scan, hid_t scale, const char *name,
                          struct pg_error *error)
{
    struct pg_dimension *dim = &scan->layout->dims[scan->layout->dim_count++];
    struct pg_attributes attributes;
    int status = check_scale(scale, name, dim, error);
    if (status == 0)
        status = read_coordinate(scale, scan->pool, dim, error);
    if (status == 0)
        status = pg_attributes_read(scale, scan->pool, &attributes, error);
    if (status != 0)
        return pg_error_prefix(error, "dimension '%s'", name);
    dim->name = keep(scan->pool, name);
    dim->long_name = pg_attributes_text(&attributes, "long_name");
    dim->units = pg_attributes_text(&attributes, "units");
    return dim->name == NULL ? out_of_memory(error) : 0;
}

struct scale_name {
    char text[256];
};

static herr_t take_scale_name(hid_t dataset, unsigned dim, hid_t scale, void *context)
{
    struct scale_name *name = context;
    (void)dataset;
    (void)dim;
    return H5Iget_name(scale, name->text, sizeof name->text) > 0 ? 1 : -1;
}

/* The dimension that stands at `axis` of the dataset; -1: none that the layout knows. */
static int find_dimension(const struct pg_layout *layout, hid_t dataset, unsigned axis)
{
    struct scale_name name = {""};
    if (H5DSiterate_scales(dataset, axis, NULL, take_scale_name, &name) != 1)
        return -1;
    for (size_t i = 0; i < layout->dim_count; i++)
        if (name.text[0] == '/' && strcmp(layout->dims[i].name, name.text + 1) == 0)
            return (int)i;
    return -1;
}

static int read_shape(const struct scan *scan, hid_t dataset, struct pg_variable *variable,
                      struct pg_error *error)
{
    const struct pg_layout *layout = scan->layout;
    hsize_t lengths[H5S_MAX_RANK];
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_dims(space, lengths, NULL);
    pg_h5_release(space);
    size_t lead = pg_rows_lead(layout, (size_t)(variable - layout->variables));
    if (rank < 0 || (size_t)rank < lead || (size_t)rank - lead > PG_VARIABLE_DIMS_MAX)
        return pg_error_set(error, PG_EMISMATCH,
                            "%d dimensions; expected %zu of the grid and at "
                            "most %d more",
                            rank, lead, PG_VARIABLE_DIMS_MAX);
    variable->dim_count = (size_t)rank - lead;
    for (size_t i = 0; i < (size_t)rank; i++) {
        int dim = find_dimension(layout, dataset, (unsigned)i);
        if (dim < 0 || (i < lead && (size_t)dim != i) || layout->dims[dim].length != lengths[i])
            return pg_error_set(error, PG_EMISMATCH,
                                "dimension %zu (length %llu) is not the one expected there", i + 1,
                                (unsigned long long)lengths[i]);
        if (i >= lead)
            variable->dims[i - lead] = (size_t)dim;
    }
    return 0;
}

static int read_type(hid_t dataset, struct pg_variable *variable, bool *ret_is_text,
                     struct pg_error *error)
{
    static const enum pg_data_type types[] = {PG_U8, PG_I32, PG_I64, PG_F32, PG_F64};
    hid_t type = H5Dget_type(dataset);
    bool is_known = false;
    *ret_is_text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) > 0;
    for (size_t i = 0; i < sizeof types / sizeof types[0] && !is_known && !*ret_is_text; i++) {
        is_known = H5Tequal(type, pg_h5_file_type(types[i])) > 0;
        variable->type = types[i];
    }
    pg_h5_release(type);
    if (!is_known && !*ret_is_text)
        return pg_error_set(error, PG_EMISMATCH,
                            "its type is none of uint8, int32, int64, float32, float64, text");
    return 0;
}

static int read_fill(hid_t dataset, struct pg_variable *variable, struct pg_error *error)
{
    hid_t list = H5Dget_create_plist(dataset);
    int status = 0;
    if (H5Pget_fill_value(list, H5T_NATIVE_DOUBLE, &variable->fill) < 0)
        status = pg_h5_fail(error, PG_EMISMATCH, "cannot read the fill value");
    pg_h5_release(list);
    return status;
}

/* flag_meanings names the codes 0, 1, ...; one more code in flag_values is the fill's. */
static int read_meanings(const struct scan *scan, const struct pg_attributes *attributes,
                         struct pg_variable *variable, hid_t dataset, struct pg_error *error)
{
    const char *text = pg_attributes_text(attributes, "flag_meanings");
    double values[256] = {0};
    size_t count;
    if (text == NULL)
        return 0;
    const char **words = split(scan->pool, text, &count);
    if (words == NULL)
        return out_of_memory(error);
    hid_t attribute = H5Aopen(dataset, "flag_values", H5P_DEFAULT);
    hid_t space = H5Aget_space(attribute);
    bool is_sound = count > 0 && count <= 256 &&
                    H5Sget_simple_extent_npoints(space) == (hssize_t)count &&
                    H5Aread(attribute, H5T_NATIVE_DOUBLE, values) >= 0;
    pg_h5_release(space);
    pg_h5_release(attribute);
    if (!is_sound)
        return pg_error_set(error, PG_EMISMATCH, "flag_values do not fit the %zu flag_meanings",
                            count);
    if (values[count - 1] == variable->fill && values[count - 1] != (double)(count - 1)) {
        variable->unwritten_meaning = words[count - 1];
        words[--count] = NULL;
    }
    variable->meanings = count > 0 ? words : NULL;
    return 0;
}

static int read_scope(const struct pg_attributes *attributes, struct pg_variable *variable,
                      struct pg_error *error)
{
    const char *scope = pg_attributes_text(attributes, "scope");
    if (scope == NULL)
        return pg_error_set(error, PG_EMISMATCH, "it lacks the attribute 'scope'");
    if (strcmp(scope, "run") == 0)
        variable->scope = PG_SCOPE_RUN;
    else if (strcmp(scope, "cell") == 0)
        variable->scope = PG_SCOPE_CELL;
    else if (strcmp(scope, "axis") == 0)
        variable->scope = PG_SCOPE_AXIS;
    else
        return pg_error_set(error, PG_EMISMATCH, "its scope is '%s'; expected run, cell or axis",
                            scope);
    return 0;
}

static void take_own_attributes(struct pg_attributes *attributes, struct pg_variable *variable)
{
    variable->long_name = pg_attributes_text(attributes, "long_name");
    variable->units = pg_attributes_text(attributes, "units");
    variable->is_volatile = pg_attributes_number(attributes, "volatile", 0.0) != 0.0;
    pg_attributes_drop(attributes, derived);
    variable->attributes = attributes->at;
    variable->attribute_count = attributes->count;
}

/* All but the name. */
static int describe_variable(const struct scan *scan, hid_t dataset, struct pg_variable *variable,
                             struct pg_error *error)
{
    struct pg_attributes attributes;
    bool is_text = false;
    int status = pg_attributes_read(dataset, scan->pool, &attributes, error);
    if (status == 0)
        status = read_scope(&attributes, variable, error);
    if (status == 0)
        status = read_type(dataset, variable, &is_text, error);
    if (status == 0)
        status = read_shape(scan, dataset, variable, error);
    if (status == 0 && is_text) {
        size_t count =
            pg_layout_row_elements(scan->layout, (size_t)(variable - scan->layout->variables));
        status = read_texts(dataset, scan->pool, count, &variable->texts, error);
    } else if (status == 0) {
        status = read_fill(dataset, variable, error);
        if (status == 0)
            status = read_meanings(scan, &attributes, variable, dataset, error);
    }
    if (status == 0)
        take_own_attributes(&attributes, variable);
    return status;
}

static int read_variable(const struct scan *scan, hid_t dataset, const char *name,
                         struct pg_error *error)
{
    struct pg_variable *variable = &scan->layout->variables[scan->layout->variable_count++];
    variable->name = keep(scan->pool, name);
    if (variable->name == NULL)
        return out_of_memory(error);
    int status = describe_variable(scan, dataset, variable, error);
    return status == 0 ? 0 : pg_error_prefix(error, "variable '%s'", name);
}

/* Reads one link of the root, if it is a dataset and a scale or not, as asked. */
static int read_link(const struct scan *scan, hsize_t index, bool want_scales,
                     struct pg_error *error)
{
    char name[256];
    hid_t object;
    int status = 0;
    if (H5Lget_name_by_idx(scan->file, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, index, name,
                           sizeof name, H5P_DEFAULT) < 0)
        return pg_h5_fail(error, PG_EMISMATCH, "cannot read the list of variables");
    object = H5Oopen(scan->file, name, H5P_DEFAULT);
    if (object < 0)
        return pg_h5_fail(error, PG_EMISMATCH, "cannot read '%s'", name);
    if (H5Iget_type(object) == H5I_DATASET && (H5DSis_scale(object) > 0) == want_scales)
        status = want_scales ? read_dimension(scan, object, name, error)
                             : read_variable(scan, object, name, error);
    pg_h5_release(object);
    return status;
}

/* The grid's dimensions must be the first ones. */
static int read_grid(const struct scan *scan, const struct pg_attributes *attributes,
                     struct pg_error *error)
{
    const char *text = pg_attributes_text(attributes, "grid_dims");
    size_t count;
    const char **names = split(scan->pool, text != NULL ? text : "", &count);
    if (names == NULL)
        return out_of_memory(error);
    if (count == 0 || count > scan->layout->dim_count)
        return pg_error_set(error, PG_EMISMATCH,
                            "the root's attribute grid_dims is '%s'; expected "
                            "names of the file's %zu dimensions",
                            text != NULL ? text : "", scan->layout->dim_count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], scan->layout->dims[i].name) != 0)
            return pg_error_set(error, PG_EMISMATCH,
                                "dimension %zu is '%s'; expected '%s' as grid_dims says", i + 1,
                                scan->layout->dims[i].name, names[i]);
    scan->layout->grid_count = count;
    return 0;
}

static int check_format(const struct pg_attributes *attributes, struct pg_error *error)
{
    const char *format = pg_attributes_text(attributes, "format");
    if (format == NULL)
        return pg_error_set(error, PG_EMISMATCH,
                            "an HDF5 file, but not one of phasegrid's: it "
                            "lacks the root attribute 'format'");
    if (strcmp(format, PG_STORE_FORMAT) != 0)
        return pg_error_set(error, PG_EMISMATCH, "its format is '%s'; this version reads '%s'",
                            format, PG_STORE_FORMAT);
    return 0;
}

/* The two variables that the store itself relies on. */
static int check_own_variables(const struct pg_layout *layout, struct pg_error *error)
{
    static const struct {
        const char *name;
        enum pg_data_type type;
    } own[] = {
        [PG_VARIABLE_STATUS] = {"status", PG_U8}, [PG_VARIABLE_ROW_CRC] = {"row_crc", PG_I64}};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        const struct pg_variable *variable = &layout->variables[i];
        if (i >= layout->variable_count || strcmp(variable->name, own[i].name) != 0 ||
            variable->type != own[i].type || variable->scope != PG_SCOPE_RUN ||
            variable->dim_count != 0)
            return pg_error_set(error, PG_EMISMATCH,
                                "variable %zu is '%s'; expected %s, %s per run", i + 1,
                                i < layout->variable_count ? variable->name : "", own[i].name,
                                pg_h5_type_name(own[i].type));
    }
    return 0;
}

static int read_links(const struct scan *scan, hsize_t count, bool want_scales,
                      struct pg_error *error)
{
    int status = 0;
    for (hsize_t i = 0; i < count && status == 0; i++)
        status = read_link(scan, i, want_scales, error);
    return status;
}

int pg_layout_read(hid_t file, struct pg_pool *pool, struct pg_layout *ret_layout,
                   struct pg_error *error)
{
    const struct scan scan = {file, pool, ret_layout};
    struct pg_attributes attributes;
    H5G_info_t root;
    memset(ret_layout, 0, sizeof *ret_layout);
    int status = pg_attributes_read(file, pool, &attributes, error);
    if (status == 0)
        status = check_format(&attributes, error);
    if (status != 0)
        return status;
    if (H5Gget_info(file, &root) < 0)
        return pg_h5_fail(error, PG_EMISMATCH, "cannot read the list of variables");
    ret_layout->dims = pg_pool_take(pool, (root.nlinks + 1) * sizeof *ret_layout->dims);
    ret_layout->variables = pg_pool_take(pool, (root.nlinks + 2) * sizeof *ret_layout->variables);
    if (ret_layout->dims == NULL || ret_layout->variables == NULL)
        return out_of_memory(error);
    status = read_links(&scan, root.nlinks, true, error);
    if (status == 0)
        status = read_grid(&scan, &attributes, error);
    if (status == 0)
        status = read_links(&scan, root.nlinks, false, error);
    if (status == 0)
        status = check_own_variables(ret_layout, error);
    pg_attributes_drop(&attributes, derived);
    ret_layout->attributes = attributes.at;
    ret_layout->attribute_count = attributes.count;
    return status;
}
