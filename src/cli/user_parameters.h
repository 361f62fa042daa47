/* SPDX-License-Identifier: MIT */
/* Open MPI's parameters as the user has set them: in the environment or in a file. */
#ifndef PHASEGRID_USER_PARAMETERS_H
#define PHASEGRID_USER_PARAMETERS_H

#include <stdbool.h>

/* The variable has a value that is not empty, or it is OMPI_MCA_PARAMETER and that parameter stands
   in a file: ~/.openmpi/mca-params.conf, or those that OMPI_MCA_mca_base_param_files or
   OMPI_MCA_mca_param_files name. */
bool pg_user_has_set(const char *variable);

#endif
