"""The types of the attributes of ONNX's own operators, over all versions of their schemas: onnx 1.23.2. Writes
fixtures/onnx-attributes.json: the newest operator set, and the types by attribute."""
import collections
import json
import pathlib

import onnx.defs

types = collections.defaultdict(set)
for schema in onnx.defs.get_all_schemas_with_history():
    if schema.domain == "":
        for name, attribute in schema.attributes.items():
            types[name].add(str(attribute.type).split(".")[-1].lower())
found = {"newest": onnx.defs.onnx_opset_version(), "types": {name: sorted(types[name]) for name in sorted(types)}}
path = pathlib.Path(__file__).parent / "fixtures" / "onnx-attributes.json"
path.write_text(json.dumps(found, separators=(",", ":")) + "\n")
print(len(types), path.stat().st_size)
