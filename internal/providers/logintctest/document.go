package logintctest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// shape says what an object of a body has.
type shape struct {
	// texts are strings, nullable strings or null, lists arrays of strings.
	texts, nullable, lists []string
	required               []string
	// actions says that a field "actions" is an array of actions of a job.
	actions bool
}

// userShape is that of a user, with texts that are required.
func userShape(sync bool, texts ...string) shape {
	s := shape{texts: texts, required: texts}
	if sync {
		s.nullable, s.lists = aliasFields(), []string{"phones", "groups"}
	}
	return s
}

func aliasFields() []string { return []string{"alias1", "alias2", "alias3"} }

// document is an object of a body. encoding/json alone would pass over case and
// repeated names, and put U+FFFD for what is not UTF-8.
type document struct {
	texts    fields
	nullable map[string]*string
	lists    map[string][]string
	actions  []document
}

// parseDocument reads a body that is one object of the shape.
func parseDocument(body []byte, s shape) (document, error) {
	dec, err := newDecoder(body)
	if err != nil {
		return document{}, err
	}
	d, err := s.read(dec)
	if err != nil {
		return document{}, err
	}
	return d, atEnd(dec)
}

func (s shape) read(dec *json.Decoder) (document, error) {
	d := document{texts: fields{}} // the others where there is one: few objects of a job have them
	if err := expect(dec, '{'); err != nil {
		return d, err
	}
	seen := make([]string, 0, 8)
	for dec.More() {
		name, err := readString(dec)
		if err != nil {
			return d, err
		}
		if slices.Contains(seen, name) {
			return d, fmt.Errorf("field %q is there twice", name)
		}
		seen = append(seen, name)
		if !s.has(name) {
			return d, fmt.Errorf("field %q is not documented here", name)
		}
		if err := s.readField(dec, &d, name); err != nil {
			return d, fmt.Errorf("field %q: %w", name, err)
		}
	}
	if err := expect(dec, '}'); err != nil {
		return d, err
	}
	for _, name := range s.required {
		if !slices.Contains(seen, name) {
			return d, fmt.Errorf("field %q is missing", name)
		}
	}
	return d, nil
}

func (s shape) readField(dec *json.Decoder, d *document, name string) (err error) {
	switch {
	case slices.Contains(s.texts, name):
		d.texts[name], err = readChecked(dec, name)
	case slices.Contains(s.nullable, name):
		if d.nullable == nil {
			d.nullable = map[string]*string{}
		}
		d.nullable[name], err = readNullable(dec, name)
	case slices.Contains(s.lists, name):
		if d.lists == nil {
			d.lists = map[string][]string{}
		}
		d.lists[name], err = readList(dec, map[string]string{"phones": "number", "groups": "group"}[name])
	default:
		d.actions, err = readActions(dec)
	}
	return err
}

func (s shape) has(name string) bool {
	return slices.Contains(s.texts, name) || slices.Contains(s.nullable, name) || slices.Contains(s.lists, name) ||
		s.actions && name == "actions"
}

func readChecked(dec *json.Decoder, name string) (string, error) {
	text, err := readString(dec)
	if err != nil {
		return "", err
	}
	if problem := (field{name, text}).check(); problem != "" {
		return "", fmt.Errorf("it %s", problem)
	}
	return text, nil
}

func readNullable(dec *json.Decoder, name string) (*string, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, malformed(err)
	}
	if t == nil {
		return nil, nil //nolint:nilnil // null is a value here
	}
	text, isString := t.(string)
	if !isString {
		return nil, errors.New("a string or null is expected")
	}
	if problem := (field{name, text}).check(); problem != "" {
		return nil, fmt.Errorf("it %s", problem)
	}
	return &text, nil
}

func readList(dec *json.Decoder, element string) ([]string, error) {
	if err := expect(dec, '['); err != nil {
		return nil, err
	}
	list := []string{}
	for dec.More() {
		text, err := readChecked(dec, element)
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, expect(dec, ']')
}

// take enters what a document says of a user. Phones and groups are added: there is
// no way to take one from a user.
func (r *record) take(d document) {
	if name, given := d.texts["name"]; given {
		r.Name = name
	}
	if email, given := d.texts["email"]; given {
		r.Email = email
	}
	for i, alias := range []**string{&r.Alias1, &r.Alias2, &r.Alias3} {
		if value, given := d.nullable[aliasFields()[i]]; given {
			*alias = value
		}
	}
	for _, number := range d.lists["phones"] {
		r.Phones = addOnce(r.Phones, number)
	}
	for _, group := range d.lists["groups"] {
		r.Groups = addOnce(r.Groups, group)
	}
	r.wire = nil
}

func addOnce(list []string, value string) []string {
	if slices.Contains(list, value) {
		return list
	}
	return append(slices.Clone(list), value)
}

// names are the fields that the document has, sorted.
func (d *document) names() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range d.texts {
			if !yield(name) {
				return
			}
		}
		for name := range d.nullable {
			if !yield(name) {
				return
			}
		}
	})
}
