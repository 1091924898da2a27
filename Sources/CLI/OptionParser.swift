// SPDX-License-Identifier: Apache-2.0

/// A table of options at work: reads a command line, then applies what was given to a value, from left to right.
struct OptionParser<Target> {
    let table: [CommandOption<Target>]
    let isInterspersed: Bool
    var knowsVersion = false

    /// Nothing is applied unless the whole line could be read, so `-m lots --help` helps.
    func parse(_ words: ArraySlice<String>, into target: inout Target) throws(UsageError) -> ParseOutcome {
        let spellings = table.spellings()
        var reader = OptionReader(spellings: spellings, isInterspersed: isInterspersed, knowsVersion: knowsVersion)
        let outcome = try reader.read(words)
        guard case .operands = outcome else { return outcome }
        for given in reader.given {
            do {
                try table.apply(given.index, given.value, to: &target)
            } catch {
                let reason = (error as? UsageError)?.message ?? "\(error)"
                throw UsageError("\(spellings[given.index].name(isLetter: given.isLetter)): \(reason)")
            }
        }
        return outcome
    }
}
