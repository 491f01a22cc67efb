#include "results/h5.h"

#include <new>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace heed::results {

namespace {

struct Reason {
  std::string text;
  bool no_memory = false;
};

// The innermost entry says what failed; the entries above only say in which call.
// A failed allocation may be noted in any entry, under different codes, so the texts are searched as well.
herr_t keep_first_reason(unsigned, const H5E_error2_t* error, void* found) {
  Reason& reason = *static_cast<Reason*>(found);
  if (reason.text.empty() && error->desc != nullptr) reason.text = error->desc;
  const std::string_view text = error->desc == nullptr ? "" : error->desc;
  reason.no_memory |= (error->maj_num == H5E_RESOURCE && error->min_num == H5E_NOSPACE) ||
                      text.find("memory alloc") != text.npos || text.find("allocate memory") != text.npos;
  return 0;
}

}  // namespace

void h5_quiet() {
  if (H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr) < 0) throw std::runtime_error("HDF5 does not start");
}

// Clears the stack even if it cannot be read, so that an old reason is not reported for a later error.
std::string h5_reason() {
  Reason reason;
  const bool walked = H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first_reason, &reason) >= 0;
  const bool emptied = H5Eclear2(H5E_DEFAULT) >= 0;
  if (reason.no_memory) throw std::bad_alloc();
  return walked && emptied && !reason.text.empty() ? reason.text : "HDF5 gives no reason";
}

std::string h5_memory_name(const void* owner) { return fmt::format("/dev/null/{}", owner); }

Handle h5_string_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  if (H5Tset_size(type.get(), H5T_VARIABLE) < 0 || H5Tset_cset(type.get(), H5T_CSET_UTF8) < 0)
    throw std::runtime_error("HDF5 makes no string type: " + h5_reason());
  return type;
}

Handle h5_string_transfer() {
  Handle transfer(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  if (H5Pset_buffer(transfer.get(), 16 * 1024, nullptr, nullptr) < 0)
    throw std::runtime_error("HDF5 sets no transfer buffer: " + h5_reason());
  return transfer;
}

template <>
hid_t h5_type<float>() {
  return H5T_IEEE_F32LE;
}
template <>
hid_t h5_type<double>() {
  return H5T_IEEE_F64LE;
}
template <>
hid_t h5_type<std::int8_t>() {
  return H5T_STD_I8LE;
}
template <>
hid_t h5_type<std::int32_t>() {
  return H5T_STD_I32LE;
}
template <>
hid_t h5_type<std::int64_t>() {
  return H5T_STD_I64LE;
}

}  // namespace heed::results
