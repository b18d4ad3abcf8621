namespace Andrea.Data.Corpus;

/// <summary>Words and phrases of the repository notes.</summary>
/// <remarks>Variables: project, tool (command name), file, function, argument.</remarks>
internal static class NoteRules
{
    public const string Text = """
        ~ project_first
        tiny, fast, quiet, plain, open, little, blue, green, paper, stone, north, river, copper, night, solid, micro, light, sharp, zero
        half, deep, clear, swift, warm, silver, lazy, brave, simple, sunny, iron

        ~ project_last
        queue, parser, cache, index, editor, shell, graph, table, store, clock, mail, wiki, map, grid, notes, lint, router, sync, feed
        proxy, chart, search, backup, scheduler, tokenizer, reader, writer, server, client, trainer, player, tracker, builder

        = project_new
        {project_first}-{project_last}
        {project_first}{project_last}
        {project_last}kit
        {project_first}_{project_last}

        ~ part
        parser, cache, index, lexer, server, client, queue, reader, writer, router, scheduler, logger, tokenizer, editor, config loader
        test runner, command line, search page, help text, progress bar, file watcher, thread pool, error page, import step, export step
        settings dialog, build script, installer, plugin loader, sample folder, report, session store, login form, date picker, retry loop
        checkpoint writer, data loader, learning rate schedule, optimizer, sampler, tokenizer cache, upload form, status page

        ~ module
        parser, cache, index, lexer, server, client, queue, reader, writer, router, scheduler, logger, config, runner, main, utils, table
        graph, search, export, import, session, report, buffer, stream, model, train, sample, tokens, loss, clock, paths, errors, types

        ~ folder
        src, core, lib, tests, tools, docs, app, web, data, scripts, examples, internal

        ~ extension
        py, cs, c, js, go, rs, sh, md, json, toml, yml, txt, h, sql

        ~ code_extension
        py, cs, c, js, go, rs

        = file_new
        {folder}/{module}.{extension}
        {folder}/{module}_{module}.{extension}
        {module}.{extension}
        {folder}/{folder}/{module}.{code_extension}

        ~ thing_of
        file, line, token, key, value, row, column, page, user, record, field, header, path, name, date, comment, link, tag, entry, word
        list, message, request, response, buffer, index, table, query, cursor, event, batch, weight, step, sample, folder, image, title

        ~ action
        load, save, parse, read, write, find, count, sort, merge, split, check, update, remove, add, open, close, copy, move, print, send
        fetch, render, encode, decode, compress, validate, rename, build, scan, format, filter, convert, restore, reset, export, import

        = function_new
        {action}_{thing_of}
        {action}_{s thing_of}
        {action}_{thing_of}_{thing_of}
        {action}_all_{s thing_of}
        {action}_or_{action}
        is_{state_one}
        get_{thing_of}_{measure}

        ~ state_one
        empty, valid, open, closed, ready, sorted, cached, locked, stale, broken, hidden, done

        ~ measure
        count, size, length, width, time, age, name, index, total, limit, offset, hash

        ~ argument_new
        path, limit, name, index, key, value, text, size, offset, timeout, count, seed, width, depth, mode, prefix, separator, encoding
        start, end, items, rows, tokens, default, retries, level, target, source, steps, rate

        = function_or_file
        `{function_new}`
        `{file_new}`
        the {part}
        the {part}

        = condition
        when the {thing_of} is empty
        when the {part} is closed twice
        if the {thing_of} has no {thing_of}
        on the first run
        when two {s thing_of} have the same {thing_of}
        after {number} {s thing_of}
        if the {thing_of} is longer than {number} bytes
        when the disk is full
        on Windows
        on Linux
        on slow networks
        if `{argument_new}` is negative
        when {function_or_file} is missing
        while the {part} is still running
        with more than {number} {s thing_of}

        ~ number
        2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 24, 30, 32, 40, 48, 50, 60, 64, 80, 90, 99, 100, 120, 128, 200, 250, 256, 300, 400, 500
        512, 600, 750, 1000, 1024, 2000, 2048, 4096, 5000, 10000

        ~ quality
        faster, smaller, simpler, safer, shorter, clearer, more stable, easier to read, easier to test, less noisy

        = added
        add `--{argument_new}` to the {part}
        add `{function_new}` and tests for it
        add {a part} for {s thing_of}
        add support for `.{extension}` files
        add an example for the {part} in `{file_new}`
        add a warning {condition}
        add {a thing_of} {measure} to the {part}
        let the {part} {action} {s thing_of}

        = fixed
        fix a crash {condition}
        fix the {thing_of} {measure} in {function_or_file}
        fix a memory leak in the {part}
        fix a wrong {thing_of} {condition}
        stop the {part} from {ing action} {s thing_of} twice
        do not lose {s thing_of} {condition}
        do not {action} the {thing_of} twice
        fix a typo in `{file_new}`
        fix `{function_new}` {condition}
        handle an empty {thing_of} in the {part}

        = changed
        make the {part} {quality}
        move `{function_new}` to `{file_new}`
        rename `{function_new}` to `{function_new}`
        `{function_new}` now returns {a thing_of} instead of {a thing_of}
        {action} {s thing_of} in batches of {number}
        the default `{argument_new}` is now {number}
        use one {thing_of} for each {thing_of}
        the {part} is {quality} {condition}
        keep the last {number} {s thing_of} instead of {number}

        = removed
        remove `--{argument_new}`, use `--{argument_new}` instead
        remove the old {part}
        remove `{function_new}`, which nobody called
        remove {a thing_of} that was never used
        drop support for `.{extension}` files

        = task
        {added}
        {fixed}
        {changed}
        {removed}
        write a test for `{function_new}`
        write down how to {action} {a thing_of}
        ask {person} about the {part}
        find out why the {part} is slow {condition}
        decide what happens {condition}
        measure the {part} with {number} {s thing_of}

        = person
        {her_name}
        {his_name}

        = tagline
        {A adjective_for} {tool} that can {action} {s thing_of} and {action} {s thing_of}.
        A small tool to {action} {s thing_of}, written in plain {language}.
        {Ing action} {s thing_of} should be easy. This project makes it so.
        {project} is {a adjective_for} {tool} for {s thing_of} and {s thing_of}.
        {project} helps you to {action} {s thing_of} without {ing action} {s thing_of}.

        ~ adjective_for
        small, simple, fast, tiny, plain, portable, modern, reliable, easy, offline, open, minimal

        ~ language
        C, Python, C#, Rust, Go, shell script

        = feature
        {es action} {s thing_of} in one pass
        {es action} {number} {s thing_of} in {number} milliseconds
        needs no {part}
        works {where_it_works}
        never {es action} {a thing_of} twice
        has {a adjective_for} {part} that {es action} {s thing_of}
        one {thing_of} per {thing_of}, nothing else
        {s thing_of} are kept sorted by {thing_of}
        easy to {action}, easy to {action}

        ~ where_it_works
        offline, on Linux and Windows, on old laptops, without a network, with any shell, in a terminal, on a small server

        = step
        run `{tool} {action} {file_new}`
        copy `{file_new}` to your home folder
        set `{argument_new}` to {number} in `{file_new}`
        open `{file_new}` and look for `{function_new}`
        call `{function_new}` once {condition}
        wait until the {part} is ready
        run the tests with `{test_command}`

        = test_command
        make test
        make check
        bash tests/run.sh
        {tool} --check

        = argument_note
        {A thing_of} to {action}.
        The {thing_of} to {action}; must not be empty.
        How many {s thing_of} to {action}; {number} by default.
        The largest {thing_of} {measure}, {number} by default.
        Whether to {action} the {thing_of} first.
        Path of the {thing_of}, for example `{file_new}`.
        Seconds to wait before the {thing_of} is closed.

        = returns
        the {thing_of} {measure}
        a list of {s thing_of}
        {a thing_of}, or nothing {condition}
        true {condition}, otherwise false
        the number of {s thing_of}
        the {thing_of} with the largest {measure}

        = raises
        an error {condition}
        `ValueError` {condition}
        `NotFound` {condition}
        nothing

        = remark
        Does not change the {thing_of}.
        Safe to call twice.
        Takes about {number} milliseconds for {number} {s thing_of}.
        See also `{function_new}`.
        Reads every {thing_of} once.
        The caller must close the {thing_of}.
        Not safe to call {condition}.

        = purpose
        {Es action} every {thing_of} and {es action} the {thing_of}.
        {Es action} {a thing_of} {condition}.
        {Es action} {s thing_of} until the {thing_of} is found.
        Called by the {part} {condition}.

        = problem
        The {part} is slow {condition}.
        The {part} stops {condition}.
        `{function_new}` returns the wrong {thing_of} {condition}.
        I get an empty {thing_of} {condition}.
        The {thing_of} {measure} is wrong {condition}.

        = expected
        It should {action} the {thing_of}.
        It should say which {thing_of} is wrong.
        The {part} should go on with the next {thing_of}.
        It should be {quality}.

        = cause
        the {part} {es action} the {thing_of} before it {es action} the {thing_of}
        `{function_new}` forgets the {thing_of} {condition}
        the {measure} in `{file_new}` is too small
        {s thing_of} are never closed
        the {part} and the {part} share one {thing_of}
        """;
}
