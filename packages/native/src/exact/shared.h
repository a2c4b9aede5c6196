// How code is written once for the host and for a device.
#pragma once

#ifdef __CUDACC__
// Of a member function that runs on both.
#define RADIN_ANYWHERE __host__ __device__
#else
#define RADIN_ANYWHERE
#endif

// Of a function that runs on both.
#define RADIN_SHARED static RADIN_ANYWHERE inline
