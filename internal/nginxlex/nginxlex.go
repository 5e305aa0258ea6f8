// Package nginxlex reads the syntax of nginx's configuration as nginx does, to find
// what a line belongs to, and for tests that judge what was rendered. Text enters; the tree of its
// directives leaves, or the error that nginx would stop with. It knows no
// directive, opens no included file and never judges values.
package nginxlex

import (
	"errors"
	"fmt"
	"strings"
)

// MaxToken is the number of bytes at which nginx refuses a word, a quoted
// string or a comment, and the whole configuration with it.
const MaxToken = 4096

// Word is one word of a directive.
type Word struct {
	Text   string // with escapes resolved
	Quoted bool
}

// Node is a directive or a comment.
type Node struct {
	Line    int
	Words   []Word // the name, then the arguments; none: a comment
	Comment string // what follows the #
	IsBlock bool
	Block   []*Node
}

// IsComment reports whether the node is a comment.
func (n *Node) IsComment() bool { return len(n.Words) == 0 }

// Name is the directive's name; "" for a comment. Rows of maps may have an empty
// one too.
func (n *Node) Name() string {
	if n.IsComment() {
		return ""
	}
	return n.Words[0].Text
}

// Args are the texts of the directive's arguments.
func (n *Node) Args() []string {
	var out []string
	for i := 1; i < len(n.Words); i++ {
		out = append(out, n.Words[i].Text)
	}
	return out
}

// String is the head of the directive, for messages.
func (n *Node) String() string {
	if n.IsComment() {
		return "#" + n.Comment
	}
	return strings.Join(append([]string{n.Name()}, n.Args()...), " ")
}

// Parse gives the tree of a configuration.
func Parse(text string) ([]*Node, error) {
	l := &lexer{text: text, line: 1}
	nodes, err := l.block(false)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", l.line, err)
	}
	return nodes, nil
}

// block reads directives up to the end of the text, or to the brace that closes
// the block.
func (l *lexer) block(inner bool) ([]*Node, error) {
	nodes := []*Node{}
	var open *Node // a directive that has not ended yet
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		switch t.kind {
		case comment:
			nodes = append(nodes, &Node{Line: t.line, Comment: t.text})
			continue
		case word, quoted:
			if open == nil {
				open = &Node{Line: t.line}
			}
			open.Words = append(open.Words, Word{t.text, t.kind == quoted})
			continue
		case end:
			if open != nil || inner {
				return nil, errors.New(`unexpected end of the text, expecting ";" or "}"`)
			}
			return nodes, nil
		case closing:
			if open != nil || !inner {
				return nil, errors.New(`unexpected "}"`)
			}
			return nodes, nil
		case opening, semicolon:
			if open == nil {
				return nil, fmt.Errorf("unexpected %q", t.kind)
			}
		}
		if t.kind == opening {
			open.IsBlock = true
			if open.Block, err = l.block(true); err != nil {
				return nil, err
			}
		}
		nodes, open = append(nodes, open), nil
	}
}
