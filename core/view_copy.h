#pragma once

#include <type_traits>
#include <vector>

#include "core/views.h"

namespace heed {

// A copy of the numbers and lengths that a Seq<const S> or Heads<const S> shows. It may be copied and moved.
template <class View>
class ViewCopy {
 public:
  ViewCopy() = default;
  explicit ViewCopy(const View& of) : view_(of), numbers_(of.data, of.data + numbers(of)) {
    if (of.starts) starts_.assign(of.starts, of.starts + of.batch + 1);
  }

  explicit operator bool() const { return view_.data; }  // was there something to copy?
  View view() const {
    View copy = view_;
    copy.data = numbers_.data();
    copy.starts = view_.starts ? starts_.data() : nullptr;
    return copy;
  }

 private:
  using S = std::remove_cvref_t<decltype(*View::data)>;
  static Index numbers(const Seq<const S>& x) { return x.size(); }
  static Index numbers(const Heads<const S>& x) { return x.start(x.batch) * x.heads * x.dim; }

  View view_ = {};
  std::vector<S> numbers_;
  std::vector<Index> starts_;
};

}  // namespace heed
