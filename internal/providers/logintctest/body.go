package logintctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// fields are the members of a JSON object whose values are strings.
type fields map[string]string

// parseList reads a body that is an array of objects with exactly these fields.
func parseList(body []byte, names ...string) ([]fields, error) {
	dec, err := newDecoder(body)
	if err != nil {
		return nil, err
	}
	if err := expect(dec, '['); err != nil {
		return nil, err
	}
	var list []fields
	for dec.More() {
		f, err := readObject(dec, true, names)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(list)+1, err)
		}
		list = append(list, f)
	}
	if err := expect(dec, ']'); err != nil {
		return nil, err
	}
	return list, atEnd(dec)
}

func newDecoder(body []byte) (*json.Decoder, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not UTF-8")
	}
	return json.NewDecoder(bytes.NewReader(body)), nil
}

func readObject(dec *json.Decoder, required bool, names []string) (fields, error) {
	if err := expect(dec, '{'); err != nil {
		return nil, err
	}
	f := make(fields, len(names))
	for dec.More() {
		name, err := readString(dec)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("field %q is not documented here", name)
		}
		if _, twice := f[name]; twice {
			return nil, fmt.Errorf("field %q is there twice", name)
		}
		if f[name], err = readString(dec); err != nil {
			return nil, fmt.Errorf("field %q: %w", name, err)
		}
		if problem := (field{name, f[name]}).check(); problem != "" {
			return nil, fmt.Errorf("field %q %s", name, problem)
		}
	}
	if err := expect(dec, '}'); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, there := f[name]; required && !there {
			return nil, fmt.Errorf("field %q is missing", name)
		}
	}
	return f, nil
}

func readString(dec *json.Decoder) (string, error) {
	t, err := dec.Token()
	if err != nil {
		return "", malformed(err)
	}
	s, isString := t.(string)
	if !isString {
		return "", errors.New("a string is expected")
	}
	return s, nil
}

func expect(dec *json.Decoder, want json.Delim) error {
	t, err := dec.Token()
	if err != nil {
		return malformed(err)
	}
	if t != want {
		return fmt.Errorf("%q is expected", want.String())
	}
	return nil
}

func atEnd(dec *json.Decoder) error {
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON document")
	}
	return nil
}

func malformed(err error) error { return fmt.Errorf("the body is not JSON: %w", err) }
