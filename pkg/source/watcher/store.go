package watcher

import (
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/30x/dispatcher/pkg/source/watcher/internal/trim"
)

// store is what client-go keeps up to date. It remembers which version of which
// object has been told, and not the objects.
type store struct {
	w        *watcher
	tell     func(note)
	versions map[cache.ObjectName]string
}

var _ cache.TransformingStore = &store{}

// Transformer lets client-go pack the objects of a list while it gathers them.
func (s *store) Transformer() cache.TransformFunc { return pack }

// Add takes in an object's newest state.
func (s *store) Add(o any) error { return s.Update(o) }

// Update takes in an object's newest state, and tells it unless a list has only
// brought what was known.
func (s *store) Update(o any) error {
	about, ok := o.(metav1.Object)
	if !ok {
		return fmt.Errorf("the Kubernetes API has sent a %T", o)
	}
	name, version := cache.MetaObjectToName(about), about.GetResourceVersion()
	if known, ok := s.versions[name]; ok && known == version && version != "" {
		return nil
	}
	full, err := s.unpack(o)
	if err != nil {
		return err
	}
	s.versions[cache.MetaObjectToName(full)] = version
	s.tell(note{object: full})
	return nil
}

// unpack gives the object that may be packed.
func (s *store) unpack(o any) (Object, error) {
	switch o := o.(type) {
	case *packed:
		return o.unpack(s.w.Empty)
	case Object:
		if !s.w.Whole {
			trim.Object(o)
		}
		return o, nil
	}
	return nil, fmt.Errorf("the Kubernetes API has sent a %T", o)
}

// Delete takes in that an object has gone.
func (s *store) Delete(o any) error {
	full, err := s.unpack(o)
	if err == nil {
		delete(s.versions, cache.MetaObjectToName(full))
		s.tell(note{object: full, what: deleted})
	}
	return err
}

// Replace takes in a list of all objects. What is not in it any more was deleted
// while nobody watched.
func (s *store) Replace(all []any, _ string) (err error) {
	listed := make(map[cache.ObjectName]bool, len(all))
	for _, o := range all {
		if o, ok := o.(metav1.Object); ok {
			listed[cache.MetaObjectToName(o)] = true
		}
	}
	for name := range s.versions {
		if !listed[name] {
			err = errors.Join(err, s.Delete(&packed{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}))
		}
	}
	for i, o := range all {
		err = errors.Join(err, s.Update(o))
		all[i] = nil // it may be long, and lives until its end is told
	}
	s.w.synced = time.Now()
	s.tell(note{what: complete})
	return err
}

// Resync is never due.
func (s *store) Resync() error { return nil }
