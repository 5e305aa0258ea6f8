// A module of its own, so that it is no part of the program.
module github.com/30x/dispatcher/tools/release

go 1.26.0
