#include "experiments/sweep/model_type.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "core/abbreviate.h"
#include "experiments/trial/task_of.h"

namespace heed {
namespace {

constexpr const char* kAttentionElsewhere = "softmax";  // where a variant is not supported

const Config* key_of(const Config& sections, const char* key) {
  const Config* model = sections.find("model");
  return model && model->is_map() ? model->find(key) : nullptr;
}

// Returns ", because ...": why a task does not suit a type of model; empty if there is no simple reason.
std::string why_unsuited(const TaskShape& shape, ModelType type) {
  if (type == ModelType::encoder_decoder) return ", because it has no source and target";
  if (type == ModelType::encoder && shape.source.kind == Stream::Kind::none)
    return ", because an encoder would see the tokens that it must predict";
  return "";
}

bool read_type(const Config& sections, const Task& task, TrialConfig& trial, Problems& problems) {
  trial.type = task.shape().model;
  const Config* given = key_of(sections, "type");
  if (!given) return true;
  std::vector<std::string> suited;
  for (const ModelType type : {ModelType::decoder, ModelType::encoder, ModelType::encoder_decoder})
    if (suits(task, type)) suited.emplace_back(to_string(type));
  const auto type = given->is_scalar() ? model_type_of(given->text()) : std::nullopt;
  if (!type)
    problems.add(given->place(), fmt::format("model.type: expected {}, found {}.",
                                             fmt::join(kModelTypes, " or "), given->described()));
  else if (!suits(task, *type))
    problems.add(given->place(),
                 fmt::format("model.type: the task '{}' cannot train a model of type '{}'{}; it "
                             "can train: {}. Remove model.type to train {}.",
                             trial.task.name, given->text(), why_unsuited(task.shape(), *type),
                             fmt::join(suited, ", "), with_article(to_string(task.shape().model))));
  else
    trial.type = *type;
  return type && suits(task, *type);
}

// The only position of a decoder that has seen the whole sequence is its last.
bool read_pool(const Config& sections, const TaskShape& shape, TrialConfig& trial, Problems& problems) {
  const bool one_label = shape.labels == Labels::per_sequence;
  trial.pool = one_label && trial.type == ModelType::decoder ? Pool::last : Pool::mean;
  const Config* given = key_of(sections, "pool");
  if (!given) return true;
  const auto pool = given->is_scalar() ? pool_of(given->text()) : std::nullopt;
  const auto refuse = [&](const std::string& why) {
    problems.add(given->place(), "model.pool: " + why);
    return false;
  };
  if (!pool)
    return refuse(fmt::format("expected {}, found {}.", fmt::join(kPools, " or "), given->described()));
  if (!one_label)
    return refuse(fmt::format(
        "it has no effect, because the task '{}' has a label at each position. Remove it.", trial.task.name));
  if (trial.type == ModelType::decoder && *pool != Pool::last)
    return refuse(fmt::format(
        "a decoder is scored at its last position, the only one that has seen the whole sequence; "
        "'{}' is for encoders. Remove it, or use model.type: encoder.",
        given->text()));
  trial.pool = *pool;
  return true;
}

// A table is both embedding and head only if labels are tokens of the input.
bool check_tied(const Config& sections, const TaskShape& shape, const TrialConfig& trial,
                Problems& problems) {
  const bool shared = shape.input.kind == Stream::Kind::tokens && shape.input.width == shape.classes;
  const Config* given = key_of(sections, "tied");
  if (!trial.model.tied || shared || !given) return true;
  problems.add(
      given->place(),
      fmt::format("model.tied: the labels of the task '{}' are not of the vocabulary of its tokens, so "
                  "embedding and head cannot share a table. Remove it.",
                  trial.task.name));
  return false;
}

// Refuses attention in a place that the model does not have, or that the variant does not support.
bool check_place(const Config& sections, const char* key, const std::vector<Choice>& chosen,
                 const Registry& registry, const TrialConfig& trial, Problems& problems) {
  const Config* given = key_of(sections, key);
  if (!given || chosen.empty()) return true;
  const Choice& choice = chosen.front();
  const Traits traits = registry.variant(choice.name).traits(choice.options);
  const bool cross = std::string(key) == "cross_attention";
  std::string why;
  if (trial.type != ModelType::encoder_decoder)
    why = fmt::format("only an encoder_decoder has it, and the task '{}' trains {} {} here. Remove it.",
                      trial.task.name, trial.type == ModelType::encoder ? "an" : "a", to_string(trial.type));
  else if (cross && !traits.cross)
    why = fmt::format(
        "'{}' cannot attend to another sequence (cross-attention). Use another variant, such as softmax, or "
        "remove the key.",
        choice.name);
  else if (!cross && !traits.bidirectional)
    why = fmt::format(
        "'{}' has only a causal form; an encoder sees the whole sequence. Use another variant, such as "
        "softmax, or remove the key.",
        choice.name);
  if (!why.empty()) problems.add(given->place(), fmt::format("model.{}: {}", key, why));
  return why.empty();
}

// Returns the attention of each block in turn, with another one where a variant does not support the place.
std::vector<Choice> where_supported(std::vector<Choice> attention, bool Traits::*support,
                                    const Registry& registry) {
  const VariantInfo& other = registry.variant(kAttentionElsewhere);
  bool any = false;
  Problems none;
  for (Choice& c : attention)
    if (registry.variant(c.name).traits(c.options).*support)
      any = true;
    else
      c = {other.name, other.resolve(Config(), other.name, none)};
  if (!any) attention.resize(1);
  return attention;
}

}  // namespace

bool resolve_type(const Config& sections, const Task& task, const Registry& registry, TrialConfig& trial,
                  Problems& problems) {
  if (!read_type(sections, task, trial, problems)) return false;
  const bool pool = read_pool(sections, task.shape(), trial, problems);
  const bool encoder =
      check_place(sections, "encoder_attention", trial.encoder_attention, registry, trial, problems);
  const bool cross =
      check_place(sections, "cross_attention", trial.cross_attention, registry, trial, problems);
  const bool tied = check_tied(sections, task.shape(), trial, problems);
  return pool && encoder && cross && tied;
}

void set_places(TrialConfig& trial, const Registry& registry) {
  if (trial.type != ModelType::encoder_decoder) return;
  const auto set = [&](std::vector<Choice>& place, const std::vector<Choice>& given,
                       const std::vector<Choice>& attention, bool Traits::*support) {
    place = given.empty() ? where_supported(attention, support, registry) : given;
  };
  const std::vector<Choice> encoder = trial.encoder_attention, cross = trial.cross_attention;
  for (EarlierStage& s : trial.grow) {
    set(s.encoder_attention, encoder, {s.attention}, &Traits::bidirectional);
    set(s.cross_attention, cross, {s.attention}, &Traits::cross);
  }
  set(trial.encoder_attention, encoder, trial.attention, &Traits::bidirectional);
  set(trial.cross_attention, cross, trial.attention, &Traits::cross);
}

}  // namespace heed
