package kube

import (
	"context"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
)

// locker is a Namespace whose Pod has a private path while a key is demanded, and a
// public one while none is. Its owner is careful: the key comes before the private
// path, and goes after it. So that path is never open.
type locker struct {
	*pod
	c     *chaos
	n     int // of the path
	steps int // of which two make a change
}

func (c *chaos) newLocker(number int) *locker {
	c.t.Helper()
	n := c.namespace("locker")
	l := &locker{pod: n.pod(fmt.Sprintf("locker%d", number), "/public-0").run(), c: c}
	return l
}

func (l *locker) private() string { return fmt.Sprintf("/private-%d", l.n) }
func (l *locker) public() string  { return fmt.Sprintf("/public-%d", l.n) }

// step does the next thing, or tries again what has failed.
func (l *locker) step(ctx context.Context) {
	secrets := l.c.client.CoreV1().Secrets(l.pod.n.name)
	var err error
	switch l.steps % 4 {
	case 0:
		data := map[string][]byte{"api-key": []byte("locker")}
		_, err = secrets.Apply(ctx, corev1apply.Secret("routing", l.pod.n.name).WithData(data), metav1.ApplyOptions{FieldManager: "test", Force: true})
	case 1:
		l.n++
		l.c.guard(l.pod.n.host, l.private())
		err = l.claim(ctx, l.private())
	case 2:
		err = l.claim(ctx, l.public())
	case 3:
		if err = secrets.Delete(ctx, "routing", metav1.DeleteOptions{}); apierrors.IsNotFound(err) {
			err = nil
		}
	}
	if err == nil {
		l.steps++
	}
}

func (l *locker) claim(ctx context.Context, path string) error {
	_, err := l.c.client.CoreV1().Pods(l.pod.n.name).Patch(ctx, l.Name, types.MergePatchType, metadata("annotations", pathsKey, l.paths(path)), metav1.PatchOptions{})
	return err
}

// wrong says what is not as the last step has left it, "" if all is.
func (l *locker) wrong() string {
	_, err := l.c.client.CoreV1().Secrets(l.pod.n.name).Get(l.c.ctx, "routing", metav1.GetOptions{})
	p, err2 := l.c.client.CoreV1().Pods(l.pod.n.name).Get(l.c.ctx, l.Name, metav1.GetOptions{})
	if err2 != nil {
		return err2.Error()
	}
	for _, path := range []string{l.private(), l.public()} {
		without, with := l.c.d.Try(l.pod.n.host, path), l.c.d.Try(l.pod.n.host, path, key("locker"))
		served := p.Annotations[pathsKey] == l.paths(path)
		want := http.StatusNotFound
		switch {
		case served && err == nil:
			want = http.StatusForbidden
		case served:
			want = http.StatusOK
		}
		if without.Status != want || served != (with.Pod == l.Name) {
			return fmt.Sprintf("%s%s: status %d, want %d; with its key it is answered by %q", l.pod.n.host, path, without.Status, want, with.Pod)
		}
	}
	return ""
}
