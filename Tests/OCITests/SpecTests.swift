// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

/// A small specification that passes, to be broken in one place.
private func soundSpec() -> Spec {
    Spec(
        process: Spec.Process(args: ["true"]),
        root: Spec.Root(path: "rootfs"),
        mounts: [Spec.Mount(destination: "/proc", type: "proc", source: "proc")],
        linux: Spec.Linux(namespaces: [.init(type: .pid), .init(type: .uts), .init(type: .user)])
    )
}

/// One change to the sound specification, and the sentence it must lead to.
private struct Damage: Sendable, CustomTestStringConvertible {
    let message: String
    let change: @Sendable (inout Spec) -> Void

    init(_ message: String, _ change: @escaping @Sendable (inout Spec) -> Void) {
        self.message = message
        self.change = change
    }

    var testDescription: String { message }
}

@Suite("The runtime specification")
struct SpecTests {
    @Test("with every field there is reads and writes as the same JSON")
    func everyField() throws {
        let document = try JSONDocument(Array(fullSpec.utf8))
        let spec = try JSONDecoder().decode(Spec.self, from: document.root)
        let written = try JSONDocument(JSONEncoder().encode(spec))
        #expect(try sorted(JSONValue(written.root)) == sorted(JSONValue(document.root)))
        #expect(try JSONDecoder().decode(Spec.self, from: written.root) == spec)
        try spec.validate()
    }

    @Test("may be as small as a version and a root")
    func minimal() throws {
        let spec = try JSONDecoder().decode(Spec.self, from: Array(#"{"ociVersion":"1.0.2","root":{"path":"r"},"windows":{}}"#.utf8))
        #expect(spec == Spec(ociVersion: "1.0.2", root: Spec.Root(path: "r")))
        #expect(String(decoding: try JSONEncoder().encode(spec), as: UTF8.self) == #"{"ociVersion":"1.0.2","root":{"path":"r"}}"#)
        try spec.validate()
    }

    @Test(
        "names the word it does not know",
        arguments: [
            (
                #"{"ociVersion":"1.0.0","linux":{"namespaces":[{"type":"net"}]}}"#, "linux.namespaces[0].type",
                "unknown namespace type \"net\""
            ),
            (
                #"{"ociVersion":"1.0.0","linux":{"seccomp":{"defaultAction":"DENY"}}}"#, "linux.seccomp.defaultAction",
                "unknown seccomp action \"DENY\""
            ),
            (
                #"{"ociVersion":"1.0.0","linux":{"devices":[{"path":"/d","type":"x"}]}}"#, "linux.devices[0].type",
                "unknown device type \"x\""
            ),
        ]
    )
    func unknownWords(_ json: String, _ path: String, _ reason: String) throws {
        let error = #expect(throws: JSONError.self) { try JSONDecoder().decode(Spec.self, from: Array(json.utf8)) }
        guard case .mismatch(path, let found) = try #require(error) else { throw try #require(error) }
        #expect(found.hasPrefix(reason + ", known are "))
    }

    @Test("a uid that does not fit is an error with its place")
    func uid() {
        let json = #"{"ociVersion":"1.0.0","process":{"user":{"uid":-1,"gid":0},"cwd":"/"}}"#
        let error = #expect(throws: JSONError.self) { try JSONDecoder().decode(Spec.self, from: Array(json.utf8)) }
        #expect(error?.description == "process.user.uid: expected a whole number from 0 to 4294967295")
    }
}

/// What the engine keeps is a record of records.
private struct Facts: JSONRecord, Equatable {
    var spec: Spec
    var mounts: [String: Spec.Mount]?
    var digest: Digest?
    var image: Reference?
    var free: JSONValue
    var last = 1

    init(_ blank: JSONBlank) {
        spec = Spec(blank)
        free = .null
    }

    init(spec: Spec, mounts: [String: Spec.Mount], image: Reference, free: JSONValue) {
        self.spec = spec
        self.mounts = mounts
        self.image = image
        self.free = free
    }

    mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("spec", &spec)
        try json("mounts", &mounts)
        try json("digest", &digest)
        try json("image", &image)
        try json("free", &free)
        try json("last", &last)
    }
}

@Suite("Values that code themselves")
struct RecordTests {
    @Test("may stand within each other, indentation and order included")
    func mixed() throws {
        let facts = Facts(
            spec: Spec(root: .init(path: "r"), mounts: [], annotations: ["b": "2", "a": "1"]),
            mounts: ["z": .init(destination: "/z"), "a": .init(destination: "/a", options: ["ro"])], image: try Reference("alpine"),
            free: [1]
        )
        let bytes = try JSONEncoder(pretty: true).encode(facts)
        #expect(
            String(decoding: bytes, as: UTF8.self) == """
                {
                    "spec": {
                        "ociVersion": "1.2.0",
                        "root": {
                            "path": "r"
                        },
                        "mounts": [],
                        "annotations": {
                            "a": "1",
                            "b": "2"
                        }
                    },
                    "mounts": {
                        "a": {
                            "destination": "/a",
                            "options": [
                                "ro"
                            ]
                        },
                        "z": {
                            "destination": "/z"
                        }
                    },
                    "image": "docker.io/library/alpine:latest",
                    "free": [
                        1
                    ],
                    "last": 1
                }
                """
        )
        #expect(try JSONDecoder().decode(Facts.self, from: bytes) == facts)
    }

    @Test(
        "must have what the specification demands",
        arguments: [
            (#"{"ociVersion":"1.0.0","root":{}}"#, "root.path: missing"),
            (#"{"ociVersion":null}"#, "ociVersion: expected a string, found null"),
            (
                #"{"ociVersion":"1.0.0","mounts":[{"destination":"/a","options":"ro"}]}"#,
                "mounts[0].options: expected a list, found a string"
            ),
            (#"{"ociVersion":"1.0.0","annotations":{"a.b":1}}"#, "annotations[\"a.b\"]: expected a string"),
            ("[]", "expected an object, found a list"),
        ]
    )
    func demands(_ json: String, _ message: String) {
        let error = #expect(throws: JSONError.self) { try JSONDecoder().decode(Spec.self, from: Array(json.utf8)) }
        #expect(error?.description == message)
    }
}

@Suite("Validation")
struct ValidationTests {
    @Test("passes a sound specification")
    func sound() throws {
        try soundSpec().validate()
    }

    @Test(
        "refuses",
        arguments: [
            Damage("ociVersion: \"\" is not supported, only 1.x.y is", { $0.ociVersion = "" }),
            Damage("ociVersion: \"2.0.0\" is not supported, only 1.x.y is", { $0.ociVersion = "2.0.0" }),
            Damage("ociVersion: \"1.0\" is not supported, only 1.x.y is", { $0.ociVersion = "1.0" }),
            Damage("root: missing", { $0.root = nil }),
            Damage("root.path: is empty", { $0.root?.path = "" }),
            Damage("process.args: missing", { $0.process?.args = [] }),
            Damage("process.args[0]: is empty", { $0.process?.args = [""] }),
            Damage("process.args[1]: contains a zero byte", { $0.process?.args = ["a", "b\0c"] }),
            Damage("process.env[0]: contains a zero byte", { $0.process?.env = ["A=\0"] }),
            Damage("process.cwd: \"work\" is not an absolute path", { $0.process?.cwd = "work" }),
            Damage("process.user.uid: 4294967295 is not from 0 to 4294967294", { $0.process?.user.uid = .max }),
            Damage(
                "process.user.additionalGids[1]: 4294967295 is not from 0 to 4294967294", { $0.process?.user.additionalGids = [0, .max] }),
            Damage("process.oomScoreAdj: 1001 is not from -1000 to 1000", { $0.process?.oomScoreAdj = 1001 }),
            Damage(
                "process.rlimits[0].soft: 2 is more than the hard limit 1",
                { $0.process?.rlimits = [.init(type: "RLIMIT_CORE", soft: 2, hard: 1)] }
            ),
            Damage(
                "process.rlimits[1].type: \"X\" was given before",
                { $0.process?.rlimits = .init(repeating: .init(type: "X", soft: 0, hard: 0), count: 2) }
            ),
            Damage("mounts[1].destination: is empty", { $0.mounts?.append(.init(destination: "")) }),
            Damage("mounts[0].options[0]: contains a zero byte", { $0.mounts?[0].options = ["ro\0"] }),
            Damage(
                "mounts[0]: uidMappings and gidMappings must be given together",
                { $0.mounts?[0].uidMappings = [.init(containerID: 0, hostID: 0, size: 1)] }
            ),
            Damage("hostname: needs a uts namespace in linux.namespaces", { spec in (spec.hostname, spec.linux) = ("x", nil) }),
            Damage("domainname: is longer than 64 bytes", { $0.domainname = String(repeating: "a", count: 65) }),
            Damage("linux.namespaces[3].type: \"pid\" was given before", { $0.linux?.namespaces?.append(.init(type: .pid)) }),
            Damage("linux.namespaces[0].path: \"ns\" is not an absolute path", { $0.linux?.namespaces?[0].path = "ns" }),
            Damage(
                "linux.uidMappings[0]: the range runs past the last id",
                { $0.linux?.uidMappings = [.init(containerID: 1, hostID: 0, size: .max)] }
            ),
            Damage(
                "linux.uidMappings: ranges overlap at hostID 1009",
                { $0.linux?.uidMappings = [.init(containerID: 50, hostID: 1009, size: 1), .init(containerID: 0, hostID: 1000, size: 10)] }
            ),
            Damage(
                "linux.gidMappings: ranges overlap at containerID 9",
                { $0.linux?.gidMappings = [.init(containerID: 0, hostID: 1000, size: 10), .init(containerID: 9, hostID: 5000, size: 1)] }
            ),
            Damage("linux.gidMappings[0].size: is 0", { $0.linux?.gidMappings = [.init(containerID: 0, hostID: 0, size: 0)] }),
            Damage(
                "linux.uidMappings: needs a user namespace in linux.namespaces",
                { $0.linux = .init(uidMappings: [.init(containerID: 0, hostID: 0, size: 1)]) }
            ),
            Damage(
                "linux.timeOffsets: needs a time namespace in linux.namespaces", { $0.linux?.timeOffsets = ["monotonic": .init(secs: 1)] }),
            Damage("linux.devices[0].major or minor: missing", { $0.linux?.devices = [.init(path: "/dev/x", type: .character)] }),
            Damage("linux.sysctl: \"kernel..x\" is not a sysctl's name", { $0.linux?.sysctl = ["kernel..x": "1"] }),
            Damage("linux.sysctl: \"../x\" is not a sysctl's name", { $0.linux?.sysctl = ["../x": "1"] }),
            Damage("linux.sysctl: \"/net/x\" is not a sysctl's name", { $0.linux?.sysctl = ["/net/x": "1"] }),
            Damage("linux.sysctl: \"a=b\" is not a sysctl's name", { $0.linux?.sysctl = ["a=b": "1"] }),
            Damage("linux.sysctl: \"a\\u{a}\" is not a sysctl's name", { $0.linux?.sysctl = ["a\n": "1"] }),
            Damage("linux.sysctl: \"\" is not a sysctl's name", { $0.linux?.sysctl = ["": "1"] }),
            Damage("linux.maskedPaths[0]: is empty", { $0.linux?.maskedPaths = [""] }),
            Damage("linux.cgroupsPath: contains '..'", { $0.linux?.cgroupsPath = "/a/../../b" }),
            Damage("linux.intelRdt.closID: \"..\" is not a directory's name", { $0.linux?.intelRdt = .init(closID: "..") }),
            Damage("linux.resources.unified: \"../x\" is not a file of a cgroup", { $0.linux?.resources = .init(unified: ["../x": "1"]) }),
            Damage(
                "linux.resources.memory.limit: -2 is not from -1 to 9223372036854775807",
                { $0.linux?.resources = .init(memory: .init(limit: -2)) }
            ),
            Damage(
                "linux.resources.cpu.cpus: \"0-3\\u{a}\" is not a list such as 0-3,7",
                { $0.linux?.resources = .init(cpu: .init(cpus: "0-3\n")) }
            ),
            Damage(
                "linux.resources.devices[0].access: \"rx\" is not made of r, w and m",
                { $0.linux?.resources = .init(devices: [.init(allow: true, access: "rx")]) }
            ),
            Damage(
                "linux.seccomp.syscalls[0].args.index: 6 is not from 0 to 5",
                {
                    let argument = Spec.Seccomp.Argument(index: 6, value: 0, op: .equal)
                    $0.linux?.seccomp = .init(defaultAction: .allow, syscalls: [.init(names: ["read"], action: .errno, args: [argument])])
                }
            ),
            Damage(
                "linux.seccomp.listenerPath: missing",
                { $0.linux?.seccomp = .init(defaultAction: .allow, syscalls: [.init(names: ["read"], action: .notify)]) }
            ),
            Damage("hooks.poststop[0].path: \"x\" is not an absolute path", { $0.hooks = .init(poststop: [.init(path: "x")]) }),
            Damage(
                "hooks.prestart[0].timeout: 0 is not from 1 to 2147483647", { $0.hooks = .init(prestart: [.init(path: "/x", timeout: 0)]) }),
            Damage("annotations: a name is empty", { $0.annotations = ["": "x"] }),
        ]
    )
    fileprivate func refuses(_ damage: Damage) {
        var spec = soundSpec()
        damage.change(&spec)
        let error = #expect(throws: SpecError.self) { try spec.validate() }
        #expect(error?.description == damage.message)
    }

    @Test("allows the mapping of every id there is")
    func allIDs() throws {
        try Spec.IDMapping.validate([.init(containerID: 0, hostID: 0, size: .max)], "m")
        try Spec.IDMapping.validate([.init(containerID: 1, hostID: 1, size: 9), .init(containerID: 0, hostID: 0, size: 1)], "m")
    }
}

/// The same value with members in the order of their names, to compare what was read with what was written.
private func sorted(_ value: JSONValue) -> JSONValue {
    switch value {
    case .array(let elements): return .array(elements.map(sorted))
    case .object(let object):
        var result = JSONObject()
        for member in object.members.sorted(by: { $0.name < $1.name }) { result[member.name] = sorted(member.value) }
        return .object(result)
    default: return value
    }
}
