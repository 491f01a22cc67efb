#include "core/step.h"

#include <vector>

#include "tests/catch.h"

namespace heed {

TEST_CASE("Step: temp memory of a task is freed at its end, kept memory is not") {
  Step<float> step(1);
  std::vector<float*> kept, temp;
  step.parallel_for(3, [&](Index, Memory<float>& memory) {
    kept.push_back(memory.keep(2, 3).data());
    temp.push_back(memory.temp(2, 3).data());
  });
  CHECK(temp[0] == temp[1]);
  CHECK(temp[1] == temp[2]);
  CHECK(kept[0] != kept[1]);
  CHECK(kept[1] != kept[2]);
}

TEST_CASE("step: a task does not change the caller's temp memory") {
  Step<double> step(2);
  Memory<double> memory = step.memory();
  Mat<double> mine = memory.temp(5, 5);
  mine.setOnes();
  step.parallel_for(40, [&](Index, Memory<double>& own) { own.temp(5, 5).setZero(); });
  CHECK(mine.sum() == 25);
}

TEST_CASE("step: each worker has memory of its own") {
  Step<double> step(5);
  std::vector<Mat<double>> kept(40, Mat<double>(nullptr, 0, 0, Eigen::OuterStride<>(0)));
  step.parallel_for(40, [&](Index i, Memory<double>& memory) {
    Mat<double> m = memory.keep(7, 3);
    m.setConstant(static_cast<double>(i));
    new (&kept[static_cast<std::size_t>(i)])
        Mat<double>(m);  // a view cannot be assigned, so it is constructed again
  });
  for (Index i = 0; i < 40; ++i)
    CHECK((kept[static_cast<std::size_t>(i)].array() == static_cast<double>(i)).all());
}

TEST_CASE("step: a scope frees the temp memory taken in it") {
  Step<float> step;
  Memory<float> memory = step.memory();
  float* first = nullptr;
  {
    const Memory<float>::Scope scope(memory);
    first = memory.temp(4, 4).data();
  }
  CHECK(memory.temp(4, 4).data() == first);
}

TEST_CASE("step: a second round takes no more memory than the first") {
  Step<float> step(2);
  const auto round = [&] {
    step.memory().keep(100, 100, 7);
    step.parallel_for(10, [](Index i, Memory<float>& memory) {
      memory.keep(i, 1000);
      memory.temp(1000, 10 - i);
    });
    step.rewind();
  };
  round();
  const std::size_t reserved = step.reserved();
  CHECK(reserved >= 100 * 100 * 7 * sizeof(float));
  for (int i = 0; i < 5; ++i) round();
  CHECK(step.reserved() == reserved);
}

TEST_CASE("Step: has at least one thread and knows whether backward follows") {
  CHECK(Step<float>(0).threads() == 1);
  CHECK(Step<float>(3).threads() == 3);
  CHECK(Step<float>().training);
  CHECK_FALSE(Step<float>(1, false).training);
}

TEST_CASE("Step: views of its memory have the requested shape") {
  Step<float> step;
  Memory<float> memory = step.memory();
  const Seq<float> s = memory.keep(2, 3, 4);
  CHECK(s.size() == 24);
  CHECK(s.rows().rows() == 6);
  CHECK(memory.temp(3, 5).cols() == 5);
  CHECK(memory.temp_span<int>(9).size() == 9);
  CHECK(memory.keep(0, 5).size() == 0);
}

}  // namespace heed
