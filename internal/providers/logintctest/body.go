package logintctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	exactly := shape{texts: names, required: names}
	var list []fields
	for dec.More() {
		d, err := exactly.read(dec)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(list)+1, err)
		}
		list = append(list, d.texts)
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
