/* hal/hal_select.h - takes in the port's hal_arch.h; the build defines HAL_HOST for hal/host. */
#pragma once

#ifdef HAL_HOST
#include "hal/host/hal_arch.h"
#else
#include "hal/aarch64/hal_arch.h"
#endif
