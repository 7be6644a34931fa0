// What libtorch can and tch cannot: linear maps over weights that oneDNN has laid out for this processor.
// The operators are looked up by name, so that a libtorch without oneDNN links and says that it has none.

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>

namespace {

using Pack = at::Tensor(const at::Tensor &, std::optional<int64_t>);
using Apply = at::Tensor(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, std::string_view,
                         c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);

template <class Signature> c10::TypedOperatorHandle<Signature> operator_named(const char *name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

// The tensor that `make` gives, or null and a text in `error`, which is the caller's.
template <class Make> at::Tensor *guarded(char **error, Make make) {
  try {
    return new at::Tensor(make());
  } catch (const std::exception &fault) {
    *error = strdup(fault.what());
  } catch (...) {
    *error = strdup("an exception that says nothing");
  }
  return nullptr;
}

} // namespace

extern "C" {

// A matrix `[out, in]` as oneDNN wants it.
at::Tensor *terminus_pack_linear(const at::Tensor *weight, char **error) {
  return guarded(error, [&] {
    static const auto pack = operator_named<Pack>("mkldnn::_reorder_linear_weight");
    return pack.call(*weight, std::nullopt);
  });
}

// `[…, in]` to `[…, out]`, and what bends it, by oneDNN's word and its algorithm; `bias` may be null.
at::Tensor *terminus_packed_linear(const at::Tensor *xs, const at::Tensor *weight, const at::Tensor *bias, const char *then,
                                   const char *algorithm, char **error) {
  return guarded(error, [&] {
    static const auto apply = operator_named<Apply>("mkldnn::_linear_pointwise");
    const auto given = bias ? std::make_optional(*bias) : std::nullopt;
    return apply.call(*xs, *weight, given, then, c10::List<std::optional<at::Scalar>>(), algorithm);
  });
}

void terminus_free_text(char *text) { std::free(text); }

}
