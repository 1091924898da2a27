// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import OCI
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    @Test(
        "gives the digests NIST publishes",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
        ]
    )
    func vectors(_ text: String, _ hex: String) {
        #expect(SHA256.digest(of: Array(text.utf8)).hex == hex)
    }

    @Test("of a million times a is the one NIST publishes, in pieces of any length", arguments: [1000, 63, 64, 65, 999_999])
    func million(_ piece: Int) {
        var hash = SHA256()
        var left = 1_000_000
        while left > 0 {
            hash.update([UInt8](repeating: UInt8(ascii: "a"), count: min(piece, left)))
            left -= piece
        }
        #expect(hash.finalize().description == "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test("agrees with sha256sum on a random megabyte")
    func sha256sum() throws {
        let path = "/tmp/minictl-sha256-\(getpid())"
        defer { unlink(path) }
        let bytes = (0..<1_048_577).map { _ in UInt8.random(in: 0...255) }
        let file = try #require(fopen(path, "w"))
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        fclose(file)
        let pipe = try #require(popen("sha256sum \(path)", "r"))
        var line = [CChar](repeating: 0, count: 256)
        #expect(fgets(&line, 256, pipe) != nil)
        #expect(pclose(pipe) == 0)
        let expected = String(decoding: line.prefix(64).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(SHA256.digest(of: bytes).hex == expected)
    }

    @Test("pads every length around a block's end")
    func lengths() {
        for length in 0...130 {
            let bytes = (0..<length).map { UInt8($0) }
            var hash = SHA256()
            for byte in bytes { hash.update([byte]) }
            #expect(hash.finalize() == SHA256.digest(of: bytes))
        }
        #expect(
            SHA256.digest(of: [UInt8](repeating: 0, count: 55)).hex == "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7")
        #expect(
            SHA256.digest(of: [UInt8](repeating: 0, count: 56)).hex == "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb")
        #expect(
            SHA256.digest(of: [UInt8](repeating: 0, count: 64)).hex == "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b")
    }
}

@Suite("A digest")
struct DigestTests {
    @Test("is an algorithm and its digits")
    func sound() throws {
        let hex = String(repeating: "0123456789abcdef", count: 4)
        #expect(Digest("sha256:\(hex)")?.hex == hex)
        #expect(Digest("sha512:\(hex)\(hex)")?.algorithm == .sha512)
        let digest = try #require(Digest("sha256:\(hex)"))
        let bytes = try JSONEncoder().encode([digest])
        #expect(String(decoding: bytes, as: UTF8.self) == "[\"sha256:\(hex)\"]")
        #expect(try JSONDecoder().decode([Digest].self, from: bytes) == [digest])
    }

    @Test(
        "is nothing else",
        arguments: [
            "", "sha256", "sha256:", "sha256:abc", "sha256:" + String(repeating: "A", count: 64),
            "sha256:" + String(repeating: "a", count: 65),
            "sha256:" + String(repeating: "a", count: 63) + "\n", "SHA256:" + String(repeating: "a", count: 64),
            "md5:" + String(repeating: "a", count: 32), "sha512:" + String(repeating: "a", count: 64), String(repeating: "a", count: 64),
            "sha256:../" + String(repeating: "a", count: 61), "sha256:" + String(repeating: "\u{e9}", count: 32),
            " sha256:" + String(repeating: "a", count: 64), "sha256:\0" + String(repeating: "a", count: 63),
        ]
    )
    func broken(_ text: String) {
        #expect(Digest(text) == nil)
    }

    @Test("that is broken is a decoding error")
    func decoding() {
        let error = #expect(throws: JSONError.self) { try JSONDecoder().decode([Digest].self, from: Array(#"["sha256:../../x"]"#.utf8)) }
        #expect(error?.description == "[0]: expected a digest, sha256: and 64 lower-case hexadecimal digits, found \"sha256:../../x\"")
    }
}
