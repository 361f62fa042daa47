/* SPDX-License-Identifier: MIT */
/*
 * Access lists, types and failures of HDF5.
 *
 * - Superblock 2 everywhere (bounds 1.8): checksummed metadata without an "open for write" flag,
 *   so that a file whose writer was killed opens again.
 * - No file locking: a reader at work must not keep a launch from going on.
 * - No sieve buffer: every read of raw data sees what is in the file now.
 * - Collective metadata reads stay off: workers act alone (and 1.10.5 to 1.10.8 break them).
 */
#include "h5.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pg_h5_begin(void)
{
    static bool has_begun = false;
    if (has_begun)
        return;
    has_begun = true;
    (void)setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void pg_h5_release(hid_t id)
{
    bool has_failed = H5Eget_num(H5E_DEFAULT) > 0;
    hid_t reasons = has_failed ? H5Eget_current_stack() : H5I_INVALID_HID;
    if (id >= 0)
        (void)H5Idec_ref(id);
    if (has_failed)
        (void)H5Eset_current_stack(reasons);
}

hid_t pg_h5_access(MPI_Comm comm)
{
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    if (H5Pset_fclose_degree(list, H5F_CLOSE_STRONG) < 0 ||
        H5Pset_libver_bounds(list, H5F_LIBVER_V18, H5F_LIBVER_V18) < 0 ||
        H5Pset_sieve_buf_size(list, 0) < 0 ||
        (comm != MPI_COMM_NULL && (H5Pset_fapl_mpio(list, comm, MPI_INFO_NULL) < 0 ||
                                   H5Pset_coll_metadata_write(list, true) < 0))) {
        pg_h5_release(list);
        return H5I_INVALID_HID;
    }
    return list;
}

hid_t pg_h5_memory_type(enum pg_data_type type)
{
    const hid_t types[] = {[PG_U8] = H5T_NATIVE_UINT8,
                           [PG_I32] = H5T_NATIVE_INT32,
                           [PG_I64] = H5T_NATIVE_INT64,
                           [PG_F32] = H5T_NATIVE_FLOAT,
                           [PG_F64] = H5T_NATIVE_DOUBLE};
    return types[type];
}

hid_t pg_h5_file_type(enum pg_data_type type)
{
    const hid_t types[] = {[PG_U8] = H5T_STD_U8LE,
                           [PG_I32] = H5T_STD_I32LE,
                           [PG_I64] = H5T_STD_I64LE,
                           [PG_F32] = H5T_IEEE_F32LE,
                           [PG_F64] = H5T_IEEE_F64LE};
    return types[type];
}

const char *pg_h5_type_name(enum pg_data_type type)
{
    static const char *const names[] = {[PG_U8] = "uint8",
                                        [PG_I32] = "int32",
                                        [PG_I64] = "int64",
                                        [PG_F32] = "float32",
                                        [PG_F64] = "float64"};
    return names[type];
}

hid_t pg_h5_text_type(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    if (H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        pg_h5_release(type);
        return H5I_INVALID_HID;
    }
    return type;
}

struct reason {
    char text[600];
};

static herr_t take_innermost(unsigned n, const H5E_error2_t *entry, void *context)
{
    struct reason *reason = context;
    if (n == 0 && entry->desc != NULL)
        (void)snprintf(reason->text, sizeof reason->text, "%s", entry->desc);
    return 0;
}

/* HDF5 reports the system's message amid names and addresses: "..., error message = 'No space left
   on device', ...". Keeps only that message, where there is one. */
static void shorten(struct reason *reason)
{
    static const char before[] = "error message = '";
    char *message = strstr(reason->text, before);
    if (message == NULL)
        return;
    message += sizeof before - 1;
    char *end = strchr(message, '\'');
    size_t length = end != NULL ? (size_t)(end - message) : strlen(message);
    memmove(reason->text, message, length);
    reason->text[length] = '\0';
}

int pg_h5_fail(struct pg_error *error, int status, const char *format, ...)
{
    struct reason reason = {"no reason given by HDF5"};
    char text[1200];
    va_list arguments;
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_innermost, &reason);
    shorten(&reason);
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return pg_error_set(error, status, "%s: %s", text, reason.text);
}

static int put(hid_t object, const char *name, hid_t space, hid_t file_type, hid_t memory_type,
               const void *data, struct pg_error *error)
{
    int status = 0;
    hid_t attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0 || H5Awrite(attribute, memory_type, data) < 0)
        status = pg_h5_fail(error, PG_EMACHINE, "cannot write attribute '%s'", name);
    pg_h5_release(attribute);
    return status;
}

int pg_h5_put_text(hid_t object, const char *name, const char *text, struct pg_error *error)
{
    hid_t space = H5Screate(H5S_SCALAR), type = pg_h5_text_type();
    int status = put(object, name, space, type, type, (const void *)&text, error);
    pg_h5_release(type);
    pg_h5_release(space);
    return status;
}

int pg_h5_put_numbers(hid_t object, const char *name, enum pg_data_type type, const double *numbers,
                      size_t count, struct pg_error *error)
{
    const hsize_t length = count;
    hid_t space = count > 0 ? H5Screate_simple(1, &length, NULL) : H5Screate(H5S_SCALAR);
    unsigned char *data = calloc(count + 1, sizeof(double));
    int status = 0;
    if (data == NULL)
        status = pg_error_set(error, PG_EMACHINE, "out of memory: attribute '%s'", name);
    for (size_t i = 0; i < (count > 0 ? count : 1) && status == 0; i++)
        pg_data_type_put(type, numbers[i], data + i * pg_data_type_size(type));
    if (status == 0)
        status =
            put(object, name, space, pg_h5_file_type(type), pg_h5_memory_type(type), data, error);
    free(data);
    pg_h5_release(space);
    return status;
}
