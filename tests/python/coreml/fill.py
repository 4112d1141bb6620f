"""Fills protobuf messages at random by their descriptors, unknown fields included."""
import random

# Fields whose meaning the reader checks or that stand for themselves: never filled.
SKIP = {"mlProgram", "specificationVersion", "trainingInput", "updateParams"}
# Fields that hold models or networks again: only in the outer ones.
DEEP = {"models", "ifBranch", "elseBranch", "conditionNetwork", "bodyNetwork"}
# Small messages whose unknown fields are not kept (docs/formats/coreml.md).
NO_UNKNOWN = {"SizeRange", "Shape", "EnumeratedShapes", "ShapeRange", "ImageSize", "EnumeratedImageSizes",
              "ImageSizeRange", "Tensor"}
UNKNOWN_FIELD = b"\xca\x8f\x02"  # field 4345, bytes

INT_LIMITS = {"int32": (-2**31, 2**31 - 1), "uint32": (0, 2**32 - 1), "int64": (-2**63, 2**63 - 1),
              "uint64": (0, 2**64 - 1)}
TYPE_NAMES = {1: "double", 2: "float", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes",
              13: "uint32", 14: "enum"}


def scalar(rng, field):
    kind = TYPE_NAMES[field.type]
    if kind in ("double", "float"):
        return rng.randrange(-1000, 1000) / 8
    if kind == "bool":
        return rng.random() < 0.5
    if kind == "string":
        return rng.choice(["", "x", "näme", "a b"])
    if kind == "bytes":
        return rng.randbytes(rng.randrange(9))
    if kind == "enum":
        return rng.choice(field.enum_type.values).number
    low, high = INT_LIMITS[kind]
    return rng.choice([low, high, 0, 1, 3, rng.randrange(low, high)])


def is_map(field):
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def fill_map(rng, field, message):
    entries = getattr(message, field.name)
    for i in range(rng.randrange(3)):
        key = f"key{i}" if field.message_type.fields_by_name["key"].type == 9 else i
        if field.message_type.fields_by_name["value"].message_type is None:
            entries[key] = scalar(rng, field.message_type.fields_by_name["value"])
        else:
            fill(rng, entries[key], 4)


def fill_message(rng, field, message, depth):
    part = getattr(message, field.name)
    fill(rng, part, depth - 1)
    if field.containing_oneof or field.name == "pipeline" or field.name.endswith("Range"):
        part.SetInParent()
    elif part.ByteSize() == 0:  # elsewhere an empty message says nothing, and may be left out
        message.ClearField(field.name)


def fill_field(rng, field, message, depth):
    if is_map(field):
        fill_map(rng, field, message)
    elif field.message_type is not None:
        if depth <= 0:
            return
        if field.is_repeated:
            for _ in range(rng.randrange(1, 3)):
                fill(rng, getattr(message, field.name).add(), depth - 1)
        else:
            fill_message(rng, field, message, depth)
    elif field.is_repeated:
        getattr(message, field.name).extend(scalar(rng, field) for _ in range(rng.randrange(1, 5)))
    else:
        setattr(message, field.name, scalar(rng, field))


def fill_weights(rng, message):
    """WeightParams with one kind of payload, as the format wants it."""
    kind = rng.randrange(4)
    count = rng.randrange(1, 7)
    if kind == 0:
        message.floatValue.extend(rng.randrange(-99, 99) / 4 for _ in range(count))
    elif kind == 1:
        message.float16Value = rng.randbytes(2 * count)
    else:
        setattr(message, "rawValue" if kind == 2 else "int8RawValue", rng.randbytes(count))
        message.quantization.numberOfBits = rng.randrange(1, 9)
        if rng.random() < 0.5:
            message.quantization.linearQuantization.scale.extend([0.5, 0.25])
            message.quantization.linearQuantization.bias.extend([1.5])
        else:
            message.quantization.lookupTableQuantization.floatValue.extend([0.5, 2, 4, 8])
    message.isUpdatable = rng.random() < 0.5


def fill(rng, message, depth=12, only=None):
    """Sets every field (one member of each oneof) of `message`, `depth` messages deep. `only`: names of a oneof's
    members -> the one to set."""
    descriptor = message.DESCRIPTOR
    if descriptor.name == "WeightParams":
        fill_weights(rng, message)
        return message
    chosen = {o.name: rng.choice(o.fields).name for o in descriptor.oneofs}
    chosen.update(only or {})
    for field in descriptor.fields:
        if field.name in SKIP or (depth < 8 and field.name in DEEP):
            continue
        if field.containing_oneof and chosen[field.containing_oneof.name] != field.name:
            continue
        whole = descriptor.name == "ImageSizeRange" or len(descriptor.fields) == 1
        if field.containing_oneof is None and not whole and rng.random() < 0.2:
            continue
        fill_field(rng, field, message, depth)
    if descriptor.name not in NO_UNKNOWN and rng.random() < 0.3:
        message.MergeFromString(UNKNOWN_FIELD + b"\x03" + rng.randbytes(3))
    return message


def set_versions(model, version):
    """Of the model and of those in its pipelines."""
    model.specificationVersion = version
    for kind in ("pipeline", "pipelineClassifier", "pipelineRegressor"):
        if model.HasField(kind):
            inner = getattr(model, kind)
            for part in (inner if kind == "pipeline" else inner.pipeline).models:
                set_versions(part, version)


def generator(seed):
    return random.Random(seed)
