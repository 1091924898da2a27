// SPDX-License-Identifier: Apache-2.0

import JSON
import OCI
import Testing

private let hash = String(repeating: "ab", count: 32)

/// What one type reads from `text` it writes as the same bytes.
private func expectStable<Value: JSONCoded>(_ type: Value.Type, _ text: String) throws {
    let value = try JSONDecoder().decode(type, from: Array(text.utf8))
    #expect(String(decoding: try JSONEncoder().encode(value), as: UTF8.self) == text)
}

@Suite("The image specification")
struct ImageTests {
    @Test("an index with every field is stable")
    func index() throws {
        let subject = #"{"mediaType":"m","digest":"sha256:\#(hash)","size":0}"#
        let platform = #"{"architecture":"arm","os":"linux","os.version":"1","os.features":["f"],"variant":"v7"}"#
        let manifest =
            #"{"mediaType":"m","digest":"sha256:\#(hash)","size":7,"urls":["u"],"annotations":{"a":"1","b":"2"},"#
            + #""data":"YQ==","platform":\#(platform),"artifactType":"t"}"#
        try expectStable(
            Index.self,
            #"{"schemaVersion":2,"mediaType":"i","artifactType":"t","manifests":[\#(manifest)],"subject":\#(subject),"annotations":{"x":"y"}}"#
        )
        try expectStable(
            Manifest.self,
            #"{"schemaVersion":2,"mediaType":"i","artifactType":"t","config":\#(subject),"layers":[\#(manifest)],"subject":\#(subject),"annotations":{}}"#
        )
        try expectStable(ImageLayout.self, #"{"imageLayoutVersion":"1.0.0"}"#)
    }

    @Test("a configuration with every field is stable")
    func config() throws {
        let config =
            #"{"User":"1:2","ExposedPorts":{"53/udp":{},"80/tcp":{}},"Env":["A=b"],"Entrypoint":["/e"],"Cmd":["c"],"Volumes":{"/v":{}},"#
            + #""WorkingDir":"/w","Labels":{"l":"1"},"StopSignal":"SIGINT","Shell":["/bin/sh","-c"],"#
            + #""Healthcheck":{"Test":["NONE"],"Interval":1,"Timeout":2,"StartPeriod":3,"StartInterval":4,"Retries":5},"#
            + #""OnBuild":["RUN x"],"ArgsEscaped":true}"#
        let history = #"[{"created":"c","author":"a","created_by":"b","comment":"d","empty_layer":true}]"#
        try expectStable(
            ImageConfig.self,
            #"{"created":"2024-01-01T00:00:00Z","author":"a","architecture":"arm64","os":"linux","os.version":"1","os.features":[],"variant":"v8","#
                + #""config":\#(config),"rootfs":{"type":"layers","diff_ids":["sha256:\#(hash)"]},"history":\#(history)}"#
        )
    }

    @Test("a configuration as Go writes it, with null for what is not there, is read")
    func nulls() throws {
        let text =
            #"{"architecture":"amd64","os":"linux","config":{"Cmd":null,"Entrypoint":null,"Volumes":null,"Labels":null,"ExposedPorts":{"1":null}},"#
            + #""rootfs":{"type":"layers","diff_ids":null},"history":null,"container_config":{"Hostname":""},"docker_version":"20"}"#
        let config = try JSONDecoder().decode(ImageConfig.self, from: Array(text.utf8))
        #expect(config.rootfs.diffIDs.isEmpty)
        #expect(config.config?.cmd == nil)
        #expect(config.config?.exposedPorts?.keys.first == "1")
    }

    @Test("a state and the features are stable")
    func stateAndFeatures() throws {
        try expectStable(
            State.self,
            #"{"ociVersion":"1.2.0","id":"x","status":"running","pid":7,"bundle":"/b","annotations":{"a":"b"}}"#
        )
        try expectStable(
            Features.self,
            #"{"ociVersionMin":"1.0.0","ociVersionMax":"1.2.0","hooks":["prestart"],"mountOptions":["ro"],"#
                + #""linux":{"namespaces":["pid","time"],"capabilities":["CAP_KILL"],"#
                + #""cgroup":{"v1":true,"v2":true,"systemd":false,"systemdUser":false,"rdma":true},"#
                + #""seccomp":{"enabled":true,"actions":["SCMP_ACT_LOG"],"operators":["SCMP_CMP_EQ"],"archs":["SCMP_ARCH_X86_64"],"#
                + #""knownFlags":["SECCOMP_FILTER_FLAG_LOG"],"supportedFlags":[]},"apparmor":{"enabled":false},"selinux":{"enabled":false},"#
                + #""intelRdt":{"enabled":true,"schemata":true,"monitoring":false},"mountExtensions":{"idmap":{"enabled":true}},"#
                + #""netDevices":{"enabled":true}},"annotations":{},"potentiallyUnsafeConfigAnnotations":["x."]}"#
        )
    }
}
