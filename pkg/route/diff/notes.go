package diff

import (
	"fmt"
	"strconv"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route/table"
)

// notes are what is found at one place.
type notes struct {
	words      []string
	effect     Effect
	namespaces []string
	comes      []cluster.Ref
	other      int // notes of anything but Pods that come
}

// of notes whose objects the difference comes from.
func (n *notes) of(namespaces ...string) { n.namespaces = append(n.namespaces, namespaces...) }

func (n *notes) note(e Effect, format string, args ...any) {
	n.words = append(n.words, fmt.Sprintf(format, args...))
	n.effect = max(n.effect, e)
	n.other++
}

// from notes that a value differs: "readTimeout 5s→10s". Zero values have the word that
// is given.
func from[T comparable](n *notes, e Effect, what, zero string, was, is T) {
	if was == is {
		return
	}
	n.note(e, "%s %s→%s", what, show(was, zero), show(is, zero))
}

func show[T comparable](v T, zero string) string {
	if v == *new(T) {
		return zero
	}
	return fmt.Sprint(v)
}

// toggled notes that something is there or not any more.
func toggled(n *notes, was, is bool, now, nowNot string) {
	switch {
	case !was && is:
		n.note(Structural, "%s", now)
	case was && !is:
		n.note(Structural, "%s", nowNot)
	}
}

// come notes Pods that come with something, and may be all that does.
func (n *notes) come(e Effect, words string, pods []cluster.Ref) {
	n.note(e, "%s", words)
	n.other--
	n.comes = append(n.comes, pods...)
}

// added notes a path that is new.
func (n *notes) added(l *table.Location) {
	var pods []cluster.Ref
	for _, e := range l.Upstream.Endpoints {
		pods = append(pods, e.Pod)
	}
	words := "added, with " + inPods(len(pods))
	if len(pods) == 0 {
		n.note(Structural, "%s", words)
		return
	}
	n.come(Structural, words, pods)
}

func inPods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return strconv.Itoa(n) + " pods"
}

// seconds is from for times.
func seconds(n *notes, e Effect, what string, was, is int) {
	if was != is {
		n.note(e, "%s %s→%s", what, inSeconds(was), inSeconds(is))
	}
}

func inSeconds(s int) string {
	if s == 0 {
		return "standard"
	}
	return strconv.Itoa(s) + "s"
}
