/* SPDX-License-Identifier: MIT */
/* Reading attributes: what is text (of either kind) or one number; arrays and references are not
   asked for by anyone. */
#include "attributes.h"

#include <string.h>

static int out_of_memory(struct pg_error *error)
{
    return pg_error_set(error, PG_EMACHINE, "out of memory: attributes");
}

/* Text of variable length. */
static int read_variable_text(hid_t attribute, struct pg_pool *pool, const char **ret_text,
                              struct pg_error *error)
{
    hid_t type = pg_h5_text_type();
    char *text = NULL;
    int status = 0;
    if (H5Aread(attribute, type, (void *)&text) < 0)
        status = pg_h5_fail(error, PG_EMISMATCH, "cannot read an attribute");
    pg_h5_release(type);
    if (status == 0) {
        *ret_text = pg_pool_copy(pool, text != NULL ? text : "");
        status = *ret_text == NULL ? out_of_memory(error) : 0;
    }
    if (text != NULL)
        (void)H5free_memory(text);
    return status;
}

static int read_number(hid_t attribute, double *ret_number, struct pg_error *error)
{
    if (H5Aread(attribute, H5T_NATIVE_DOUBLE, ret_number) < 0)
        return pg_h5_fail(error, PG_EMISMATCH, "cannot read an attribute");
    return 0;
}

/* ret_attribute->name stays NULL when the attribute is of another kind. */
static int read_value(hid_t attribute, struct pg_pool *pool, struct pg_attribute *ret_attribute,
                      struct pg_error *error)
{
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    H5T_class_t class = H5Tget_class(type);
    bool is_one = H5Sget_simple_extent_npoints(space) == 1;
    bool is_text = class == H5T_STRING && H5Tis_variable_str(type) > 0;
    bool is_number = class == H5T_INTEGER || class == H5T_FLOAT;
    char name[256];
    int status = 0;
    if (is_one && (is_text || is_number) && H5Aget_name(attribute, sizeof name, name) > 0) {
        ret_attribute->name = pg_pool_copy(pool, name);
        status = ret_attribute->name == NULL ? out_of_memory(error)
                 : is_text ? read_variable_text(attribute, pool, &ret_attribute->text, error)
                           : read_number(attribute, &ret_attribute->number, error);
    }
    pg_h5_release(space);
    pg_h5_release(type);
    return status;
}

int pg_attributes_read(hid_t object, struct pg_pool *pool, struct pg_attributes *ret_attributes,
                       struct pg_error *error)
{
    H5O_info_t info;
    int status = 0;
    memset(ret_attributes, 0, sizeof *ret_attributes);
    if (H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS) < 0)
        return pg_h5_fail(error, PG_EMISMATCH, "cannot read attributes");
    ret_attributes->at = pg_pool_take(pool, (info.num_attrs + 1) * sizeof *ret_attributes->at);
    if (ret_attributes->at == NULL)
        return out_of_memory(error);
    for (hsize_t i = 0; i < info.num_attrs && status == 0; i++) {
        struct pg_attribute *next = &ret_attributes->at[ret_attributes->count];
        hid_t attribute = H5Aopen_by_idx(object, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i,
                                         H5P_DEFAULT, H5P_DEFAULT);
        status = attribute < 0 ? pg_h5_fail(error, PG_EMISMATCH, "cannot read an attribute")
                               : read_value(attribute, pool, next, error);
        ret_attributes->count += next->name != NULL;
        pg_h5_release(attribute);
    }
    return status;
}

static const struct pg_attribute *find(const struct pg_attributes *attributes, const char *name)
{
    for (size_t i = 0; i < attributes->count; i++)
        if (strcmp(attributes->at[i].name, name) == 0)
            return &attributes->at[i];
    return NULL;
}

const char *pg_attributes_text(const struct pg_attributes *attributes, const char *name)
{
    const struct pg_attribute *attribute = find(attributes, name);
    return attribute != NULL ? attribute->text : NULL;
}

double pg_attributes_number(const struct pg_attributes *attributes, const char *name,
                            double fallback)
{
    const struct pg_attribute *attribute = find(attributes, name);
    return attribute != NULL && attribute->text == NULL ? attribute->number : fallback;
}

static bool is_among(const char *name, const char *const *names)
{
    while (*names != NULL)
        if (strcmp(*names++, name) == 0)
            return true;
    return false;
}

void pg_attributes_drop(struct pg_attributes *attributes, const char *const *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < attributes->count; i++)
        if (!is_among(attributes->at[i].name, names))
            attributes->at[kept++] = attributes->at[i];
    attributes->count = kept;
}
