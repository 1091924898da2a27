# SPDX-License-Identifier: Apache-2.0
# Two commands are enough: `make run` puts you into a container, `make test` shows that everything works.

PREFIX ?= /usr/local

run:     ; @scripts/packages build run && scripts/build && scripts/run-first-container      # a container from the default image
test:    ; @scripts/packages build test && scripts/test                                      # units first, then the real program
build:   ; @scripts/packages build && scripts/build                                          # release: static, stripped, in .build/release
vm:      ; @scripts/packages build vm && scripts/build && Tests/vm/run                       # the suite on Debian's own kernel, cgroup v2 and v1
bench:   ; @scripts/packages build bench && scripts/build && bench/run                       # minictl beside other runtimes, in one table
format:  ; @swift format -i -p -r --configuration .swift-format Sources Tests Package.swift  # write the one style
lint:    ; @scripts/lint                                                                     # style, layers, forbidden words
install: ; @scripts/install "$(DESTDIR)" "$(PREFIX)"                                         # programs, manual pages, completions
clean:   ; @scripts/clean                                                                    # what was built, and networks nobody is on; containers and images stay

.PHONY: run test build vm bench format lint install clean
