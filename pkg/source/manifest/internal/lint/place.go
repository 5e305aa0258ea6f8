package lint

import (
	"reflect"
	"strings"
)

// Place says where a field that stands at the top level of an object, a pointer to a
// struct, belongs: below "metadata" or "spec", by its name alone; "" if below neither.
func Place(object any, name string) string {
	for _, part := range []string{"metadata", "spec"} {
		if below, ok := field(reflect.TypeOf(object).Elem(), part); ok && below.Kind() == reflect.Struct {
			if _, ok := field(below, name); ok {
				return part
			}
		}
	}
	return ""
}

// field finds a field by its name in JSON.
func field(t reflect.Type, name string) (reflect.Type, bool) {
	for f := range t.Fields() {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name && name != "" {
			return f.Type, true
		}
		if tag == "" && f.Anonymous {
			if found, ok := field(f.Type, name); ok {
				return found, true
			}
		}
	}
	return nil, false
}
