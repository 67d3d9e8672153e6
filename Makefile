# The usual tasks, in the environment that `make setup` makes.

.PHONY: setup format check test docs

setup: ## make .venv, with all that the tests need
	python3 -m venv .venv
	.venv/bin/pip install -q -e '.[test]'

format: ## put the files into their style
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

check: ## style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

test: ## all tests, on all cores
	.venv/bin/python -m pytest -n auto

docs: ## the table of functions, made from the rules
	.venv/bin/python -m autodiff.catalogue > docs/functions.md
