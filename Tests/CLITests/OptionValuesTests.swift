// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CLI

@Suite struct OptionValuesTests {
    @Test(
        arguments: [
            ("0", 0), ("10", 10), ("10b", 10), ("512k", 512 << 10), ("64m", 64 << 20), ("64M", 64 << 20), ("64mb", 64 << 20),
            ("64MiB", 64 << 20), ("1g", 1 << 30), ("1.5g", 3 << 29), ("1 g", 1 << 30), (".5k", 512), ("1.k", 1024), ("2t", 2 << 40),
            ("7e", 7 << 60), ("9223372036854775807", .max), ("0.0000000001g", 0),
        ] as [(String, Int64)])
    func `A size is counted in bytes`(text: String, bytes: Int64) throws {
        #expect(try ByteSize(text).bytes == bytes)
    }

    @Test(arguments: [
        "", " ", ".", "b", "-5", "-1", "+5", "10^20g", "nan", "inf", "1e400", "0x10", "1..5g", "1.5.5", "5x", "5mm", "5bk", "5 ", " 5",
        "8e", "9223372036854775808", "99999999999999999999g", "0.1234567890123456789", "5\u{660}", "5m\n", "５m", "5ib",
    ])
    func `A malformed or boundless size is refused`(text: String) {
        #expect(throws: UsageError.self) { try ByteSize(text) }
    }

    @Test func `Minus one is unlimited only where that is allowed`() throws {
        #expect(try ByteSize("-1", allowingUnlimited: true).bytes == -1)
        #expect(throws: UsageError.self) { try ByteSize("-2", allowingUnlimited: true) }
    }

    @Test(
        arguments: [
            ("0", Duration.zero), ("10s", .seconds(10)), ("1h30m", .seconds(5400)), ("500ms", .milliseconds(500)), ("1d", .seconds(86_400)),
            ("1.5s", .milliseconds(1500)), ("2us", .microseconds(2)), ("2µs", .microseconds(2)), ("3ns", .nanoseconds(3)),
            ("1m0.5s", .milliseconds(60_500)), ("9223372036854775807ns", .nanoseconds(Int64.max)),
        ] as [(String, Duration)])
    func `A duration is read as Go reads it`(text: String, duration: Duration) throws {
        #expect(try Duration(word: text) == duration)
    }

    @Test(arguments: ["", "10", "s", "-5s", "1h30", "1y", "1 s", "1e3s", "nan", "300000d", "9223372036854775807ns1ns", "1s\n", "00"])
    func `A malformed or endless duration is refused`(text: String) {
        #expect(throws: UsageError.self) { try Duration(word: text) }
    }

    @Test(
        arguments: [("1", 1_000_000_000), ("1.5", 1_500_000_000), ("0.000000001", 1), (".5", 500_000_000), ("0", 0)] as [(String, Int64)])
    func `CPUs are counted exactly`(text: String, nano: Int64) throws {
        #expect(try NanoCPUs(text).count == nano)
    }

    @Test(arguments: ["", "nan", "inf", "1e3", "-1", "1.5x", "0.0000000001", "1,5", "9999999999999", "0x1"])
    func `A number of CPUs is a plain decimal`(text: String) {
        #expect(throws: UsageError.self) { try NanoCPUs(text) }
    }

    @Test(
        arguments: [
            ("", []), ("a", ["a"]), ("a,b=c", ["a", "b=c"]), ("\"a,b\",c", ["a,b", "c"]), ("\"a\"\"b\"", ["a\"b"]), (",", [""]),
            ("\"src=/a,b\",dst=/c", ["src=/a,b", "dst=/c"]),
        ] as [(String, [String])])
    func `A field with a comma stands in quotes`(text: String, fields: [String]) throws {
        #expect(try CommaFields(text).fields == fields)
    }

    @Test(arguments: ["\"", "\"a", "a\"b\"", "\"a\"b", "a,\"b"])
    func `A quote out of place is refused`(text: String) {
        #expect(throws: UsageError.self) { try CommaFields(text) }
    }

    @Test func `A pair is split at the first equals sign`() throws {
        #expect(try KeyValue("A=b=c").value == "b=c")
        #expect(try KeyValue("A=").value == "")
        #expect(try KeyValue("A").value == nil)
        #expect(throws: UsageError.self) { try KeyValue("=b") }
        #expect(throws: UsageError.self) { try KeyValue("") }
        #expect(throws: UsageError.self) { try KeyValue("A\nB=c") }
        #expect(throws: UsageError.self) { try KeyValue("A", requiresValue: true) }
    }

    @Test func `A whole number is within its range`() throws {
        #expect(try Int32(word: "-5", in: -1000...1000) == -5)
        for text in ["1001", "+5", "", "5.0", "99999999999999999999", "1e3", " 5"] {
            #expect(throws: UsageError.self) { try Int32(word: text, in: -1000...1000) }
        }
    }
}
