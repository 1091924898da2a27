// SPDX-License-Identifier: Apache-2.0

import OCI
import Testing

private let digest = "sha256:" + String(repeating: "a", count: 64)

@Suite("A reference")
struct ReferenceTests {
    @Test(
        "is completed and shortened as docker does",
        arguments: [
            ("alpine", "docker.io/library/alpine:latest", "alpine:latest"),
            ("alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"),
            ("library/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
            ("docker.io/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
            ("index.docker.io/library/alpine", "docker.io/library/alpine:latest", "alpine:latest"),
            ("me/app", "docker.io/me/app:latest", "me/app:latest"),
            ("library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
            ("alpine@\(digest)", "docker.io/library/alpine@\(digest)", "alpine@\(digest)"),
            ("alpine:3@\(digest)", "docker.io/library/alpine:3@\(digest)", "alpine:3@\(digest)"),
            ("localhost/x", "localhost/x:latest", "localhost/x:latest"),
            ("localhost:5000/x/y:t", "localhost:5000/x/y:t", "localhost:5000/x/y:t"),
            ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
            ("ghcr.io/a/b_c/d__e/f.g/h--i:V1_.-", "ghcr.io/a/b_c/d__e/f.g/h--i:V1_.-", "ghcr.io/a/b_c/d__e/f.g/h--i:V1_.-"),
            ("Host/x", "Host/x:latest", "Host/x:latest"),
            ("[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"),
            ("127.0.0.1/x", "127.0.0.1/x:latest", "127.0.0.1/x:latest"),
        ]
    )
    func sound(_ text: String, _ full: String, _ familiar: String) throws {
        let reference = try Reference(text)
        #expect(reference.description == full)
        #expect(reference.familiar == familiar)
        #expect(try Reference(full) == reference)
        #expect(try Reference(familiar) == reference)
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "/", ":", "@", ":tag", "@\(digest)", "alpine:", "alpine@", "alpine@sha256:x", "Alpine", "me/App", "-alpine", "alpine-",
            "a..b", "a___b",
            "a._b", ".a", "a.", "_a", "../x", "a/../b", "a//b", "/a", "a/", "a/./b", "a b", "a\n", "a\0", "é", "http://x/y", "a:b:c",
            "a:.x", "a:-x",
            "a:x/y", "a.b:/x", "a.b:99999/x", "a.b:x/y", "-a.b/x", "a-.b/x", "a..b/x", "[::1/x", "[]/x", "[g::]/x", "a@\(digest)@\(digest)",
            "a@\(digest):t", String(repeating: "a", count: 64), String(repeating: "a", count: 256), String(repeating: "a", count: 1 << 20),
            "a:" + String(repeating: "t", count: 129), "a:t%2f", "a?b", "a#b", "a\\b", "localhost:0x1/x",
        ]
    )
    func broken(_ text: String) {
        #expect(throws: ReferenceError.self) { try Reference(text) }
    }

    @Test("says what is wrong")
    func reason() {
        let error = #expect(throws: ReferenceError.self) { try Reference("me/App") }
        #expect(error?.description == "\"me/App\" is not an image reference: the repository must be lower case")
    }
}
