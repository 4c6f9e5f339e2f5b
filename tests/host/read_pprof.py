"""Reads a profile by the library for Protocol Buffers, with the fields of profile.proto, and prints its stacks as folded
lines, one for each sample: the values with commas between. Whatever pprof wants of a profile and is not there is an error."""
import gzip
import sys

from google.protobuf import descriptor_pb2, descriptor_pool
try:
    from google.protobuf.message_factory import GetMessageClass
except ImportError:  # before 4.22
    from google.protobuf.message_factory import MessageFactory
    GetMessageClass = MessageFactory().GetPrototype

# github.com/google/pprof, proto/profile.proto: field, number, type, repeated.
MESSAGES = {
    "ValueType": [("type", 1, "int64"), ("unit", 2, "int64")],
    "Sample": [("location_id", 1, "uint64*"), ("value", 2, "int64*")],
    "Line": [("function_id", 1, "uint64"), ("line", 2, "int64")],
    "Location": [("id", 1, "uint64"), ("mapping_id", 2, "uint64"), ("address", 3, "uint64"), ("line", 4, "Line*")],
    "Function": [("id", 1, "uint64"), ("name", 2, "int64"), ("system_name", 3, "int64"), ("filename", 4, "int64")],
    "Profile": [("sample_type", 1, "ValueType*"), ("sample", 2, "Sample*"), ("location", 4, "Location*"),
                ("function", 5, "Function*"), ("string_table", 6, "string*"), ("time_nanos", 9, "int64"),
                ("duration_nanos", 10, "int64"), ("period_type", 11, "ValueType"), ("period", 12, "int64")],
}


def message(name):
    file = descriptor_pb2.FileDescriptorProto(name="profile.proto", package="perftools", syntax="proto3")
    for what, fields in MESSAGES.items():
        m = file.message_type.add(name=what)
        for field, number, kind in fields:
            f = m.field.add(name=field, number=number, label=3 if kind.endswith("*") else 1)
            kind = kind.rstrip("*")
            f.type = {"int64": 3, "uint64": 4, "string": 9}.get(kind, 11)
            if f.type == 11:
                f.type_name = f".perftools.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"perftools.{name}"))()


def main(path):
    profile = message("Profile")
    with gzip.open(path) as file:
        data = file.read()
    assert profile.ParseFromString(data) == len(data)
    assert not profile.FindInitializationErrors() and profile.SerializeToString(deterministic=True), "parsed"
    strings = profile.string_table
    assert strings[0] == "" and len(set(strings)) == len(strings), "the table of strings"
    functions = {f.id: strings[f.name] for f in profile.function}
    locations = {at.id: [functions[line.function_id] for line in at.line] for at in profile.location}
    assert 0 not in functions and len(functions) == len(profile.function), "ids of functions"
    assert 0 not in locations and len(locations) == len(profile.location), "ids of locations"
    assert all(locations.values()) and all(functions.values()), "names"
    types = [f"{strings[t.type]}/{strings[t.unit]}" for t in profile.sample_type]
    assert types and all(len(s.value) == len(types) for s in profile.sample), "a value of each type"
    period = f"{strings[profile.period_type.type]}/{strings[profile.period_type.unit]} {profile.period}"
    print(f"types {' '.join(types)}, period {period}, {profile.duration_nanos} ns")
    for sample in profile.sample:
        names = [name for at in sample.location_id for name in locations[at]]
        print(";".join(reversed(names)), ",".join(map(str, sample.value)))


main(sys.argv[1])
