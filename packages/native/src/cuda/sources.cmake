set(cuda_sources all_subsets.cu average.cu backend.cu bank_count.cu device.cu)
list(TRANSFORM cuda_sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
