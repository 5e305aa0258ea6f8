package nginxlex

import (
	"errors"
	"fmt"
	"strings"
)

// kind is a kind of token.
type kind string

const (
	word      kind = "word"
	quoted    kind = "quoted string"
	comment   kind = "comment"
	semicolon kind = ";"
	opening   kind = "{"
	closing   kind = "}"
	end       kind = "end"
)

type token struct {
	kind kind
	text string
	line int
}

// lexer cuts a configuration into tokens.
type lexer struct {
	text     string
	pos      int
	line     int
	pastWord bool // a quoted string has just ended: something must separate it
}

const space = " \t\r\n"

// next gives the token at the present position.
func (l *lexer) next() (token, error) {
	if l.pastWord && l.pos < len(l.text) && !strings.ContainsRune(space+";{)", rune(l.text[l.pos])) {
		return token{}, fmt.Errorf("unexpected %q after a quoted string", l.text[l.pos])
	}
	l.pastWord = false
	for l.pos < len(l.text) && strings.IndexByte(space, l.text[l.pos]) >= 0 {
		l.step(1)
	}
	t := token{line: l.line}
	if l.pos == len(l.text) {
		t.kind = end
		return t, nil
	}
	rest := l.text[l.pos:]
	var length int
	var err error
	switch c := rest[0]; c {
	case ';', '{', '}':
		t.kind, length = kind(c), 1
	case '#':
		t.kind, length = comment, len(rest)
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			length = i
		}
		t.text = rest[1:length]
	case '"', '\'':
		length, err = quotedLength(rest)
		if err != nil {
			return t, err
		}
		t.kind, t.text = quoted, unescape(rest[1:length-1])
		l.pastWord = true
	default:
		length, err = wordLength(rest)
		if err != nil {
			return t, err
		}
		t.kind, t.text = word, unescape(rest[:length])
	}
	if length >= MaxToken {
		return t, fmt.Errorf("too long: a %s of %d bytes", t.kind, length)
	}
	l.step(length)
	return t, nil
}

func (l *lexer) step(n int) {
	l.line += strings.Count(l.text[l.pos:l.pos+n], "\n")
	l.pos += n
}

// quotedLength is the length of the quoted string at the start of s, with both
// quotes. A backslash takes the next byte's meaning away.
func quotedLength(s string) (int, error) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1, nil
		}
	}
	return 0, errors.New("a quoted string does not end")
}

// wordLength is the length of the bare word at the start of s. White space, a
// semicolon and an opening brace end it, but for a brace after a dollar sign;
// quotes, number signs and closing braces inside it are nothing special.
func wordLength(s string) (int, error) {
	variable := false // a dollar sign stands right before
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '{' && variable {
			continue
		}
		variable = c == '$'
		switch {
		case c == '\\':
			i++
		case c == ';' || c == '{' || strings.IndexByte(space, c) >= 0:
			return i, nil
		}
	}
	return 0, errors.New("the text ends inside a word")
}

// unescape resolves the escapes that nginx knows; other backslashes stay.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, `'`, `\t`, "\t", `\r`, "\r", `\n`, "\n").Replace(s)
}
