// Which blobs layers read and write, through nested networks: branches and loops have no inputs and outputs of their
// own.
#pragma once
#include <set>
#include <span>
#include <string>

#include "mil/network.h"

namespace assay::coreml {

using BlobNames = std::set<std::string, std::less<>>;

/// Two blobs that no file can name: whether the iteration of the loop around has been left, and whether the loop has.
inline constexpr char kLeft[] = "\x01left";
inline constexpr char kBroken[] = "\x01broken";

void add_reads(std::span<const mil::Layer> layers, BlobNames& names);
void add_writes(std::span<const mil::Layer> layers, BlobNames& names);
/// Whether the layer may leave the iteration of the loop around it.
bool may_leave(const mil::Layer& layer);
/// Whether one of them may end the loop around.
bool may_break(std::span<const mil::Layer> layers);

/// Layers of a network among the parameters; none when it is not set.
std::span<const mil::Layer> nested_layers(const mil::Layer& layer, std::string_view field);

}  // namespace assay::coreml
