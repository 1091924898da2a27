// SPDX-License-Identifier: Apache-2.0

/// A shell that completions can be written for.
package enum Shell: String, CaseIterable {
    case bash, zsh, fish

    package init(_ name: String) throws(UsageError) {
        guard let shell = Shell(rawValue: name) else {
            throw UsageError("unknown shell: '\(name)', use \(Shell.allCases.map { $0.rawValue }.joined(separator: ", "))")
        }
        self = shell
    }
}

extension Program where Globals: OptionGroup {
    /// A script that completes this program's commands, options and values; made from the same tables as help.
    package func completion(for shell: Shell) -> String {
        switch shell {
        case .bash: bashCompletion(pages)
        case .zsh: zshCompletion(pages)
        case .fish: fishCompletion(pages)
        }
    }

    private func bashCompletion(_ pages: [CommandPage]) -> String {
        var places = ""
        var values = ""
        for page in pages {
            let path = page.subpath
            let operand = page.commands.isEmpty ? Completion(placeholder: "\(page.operands.text)") : .nothing
            places += "        '\(path)') commands='\(page.commandNames)' options='\(page.optionNames)' operand='\(operand.word)' ;;\n"
            for option in page.options where option.kind == .text && !option.isHidden {
                let names = option.names.map { "'\(path) \($0)'" }.joined(separator: " | ")
                values += "        \(names)) offer '\(Completion(placeholder: option.placeholder).word)'; return ;;\n"
            }
        }
        let known = pages.dropFirst().map { "'\($0.subpath)'" }.joined(separator: " | ")
        return """
            # bash completion for \(name)
            _\(name)() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= commands= options= operand= joined= i
                COMPREPLY=()
                # Readline parts words at "=" and ":"; a value goes back together, and what was typed of it is cut off at the end.
                if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}
                elif [[ $cur == : ]]; then joined=$prev:; cur=$joined; prev=${COMP_WORDS[COMP_CWORD-2]}
                elif [[ $prev == : && COMP_CWORD -ge 3 ]]; then
                    joined=${COMP_WORDS[COMP_CWORD-2]}:; cur=$joined$cur; prev=${COMP_WORDS[COMP_CWORD-3]}
                fi
                offer() {
                    local word
                    # Names are read line by line, never expanded: they come from containers and images.
                    case $1 in
                    files) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
                    directories) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
            \(listings.map { "        \($0.word)) while IFS= read -r word; do [[ $word == \"$cur\"* ]] && COMPREPLY+=(\"$word\"); done "
                + "< <(\($0.command) 2>/dev/null) ;;" }.joined(separator: "\n"))
                    *) mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur") ;;
                    esac
                    COMPREPLY=("${COMPREPLY[@]#"$joined"}")
                }
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case "$path ${COMP_WORDS[i]}" in
                    \(known)) path="$path ${COMP_WORDS[i]}" ;;
                    esac
                done
                case "$path $prev" in
            \(values)    esac
                case $path in
            \(places)    esac
                if [[ $cur == -* ]]; then offer "$options"; elif [[ $commands ]]; then offer "$commands"; else offer "$operand"; fi
            }
            complete -F _\(name) \(name)

            """
    }

    private func fishCompletion(_ pages: [CommandPage]) -> String {
        let known = pages.dropFirst().map { "'\($0.subpath)'" }.joined(separator: " ")
        var script = """
            # fish completion for \(name)
            function __\(name)_at
                set -l path ''
                for word in (commandline -opc)[2..]
                    if contains -- "$path $word" \(known)
                        set path "$path $word"
                    end
                end
                test "$path" = "$argv[1]"
            end
            complete -c \(name) -f

            """
        for page in pages {
            let line = "complete -c \(name) -n '__\(name)_at \"\(page.subpath)\"'"
            for command in page.commands where !command.isHeading {
                script += "\(line) -a \(command.name) -d '\(quoted("\(command.summary)"))'\n"
            }
            for option in page.options where option.kind != .heading && !option.isHidden {
                let letter = option.letter.map { " -s " + String(Unicode.Scalar($0)) } ?? ""
                let value = option.kind == .text ? " -r" + fishValues(Completion(placeholder: option.placeholder)) : ""
                script += "\(line)\(letter) -l \(option.long)\(value) -d '\(quoted("\(option.help)"))'\n"
            }
            let operand = Completion(placeholder: "\(page.operands.text)")
            if page.commands.isEmpty, operand != .nothing { script += line + fishValues(operand) + "\n" }
        }
        return script
    }

    private func fishValues(_ completion: Completion) -> String {
        switch completion {
        case .nothing: ""
        case .files: " -F"
        case .directories: " -a '(__fish_complete_directories)'"
        default: " -a '\(listings.first { $0.word == completion.word }.map { "(\(quoted($0.command)) 2>/dev/null)" } ?? completion.word)'"
        }
    }

    /// Where the names of things come from.
    var listings: [(word: String, command: String)] {
        [
            ("containers", "\(name) ps -a --format '{{.Names}}'"),
            ("images", "\(name) images --format '{{.Repository}}:{{.Tag}}'"),
            ("networks", "\(name) network ls --format '{{.Name}}'"),
            ("volumes", "\(name) volume ls --format '{{.Name}}'"),
        ]
    }

    private func quoted(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { $0 += $1 == "'" ? "\\'" : $1 == "\\" ? "\\\\" : String($1) }
    }
}

extension CommandPage {
    /// The path without the program's name, each word after a space: ` network create`.
    var subpath: String { String(path.drop { $0 != " " }) }

    var commandNames: String { commands.filter { !$0.isHeading }.map { $0.name }.joined(separator: " ") }

    var optionNames: String {
        (options.filter { $0.kind != .heading && !$0.isHidden }.map { "--" + $0.long } + ["--help"]).joined(separator: " ")
    }
}

extension OptionSpelling {
    /// Both spellings with their dashes, `--memory` and `-m`.
    var names: [String] { ["--" + long] + (letter.map { ["-" + String(Unicode.Scalar($0))] } ?? []) }
}

extension Completion {
    /// How scripts call it: the kind of thing, or the words themselves.
    var word: String {
        switch self {
        case .nothing: ""
        case .files: "files"
        case .directories: "directories"
        case .containers: "containers"
        case .images: "images"
        case .networks: "networks"
        case .volumes: "volumes"
        case .words(let words): words.joined(separator: " ")
        }
    }
}
