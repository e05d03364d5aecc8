# The ledger of the endurance test: what it takes, and what it finds fault with.
use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(time);

use Ledger;
use Tellings;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my ($OFFLINE, $MOVED) = ('❌ Client Offline', '🔄 IP Address Changed');
my $NOW = time;

# An event of a client; its time ends in its number.
sub event {
    my ($client, $title, $number) = @_;
    my $message = "$title: $client\nNumber: $number\nTime: 2026-11-28 15:30:0$number CET";
    return { client_id => $client, message => $message };
}

# An alert that came so many seconds after the beginning, and is about these events.
sub message {
    my ($time, $plain, $told, %more) = @_;
    return { time => $NOW + $time, plain => $plain, told => $told, %more };
}

my @event = (event('a', $OFFLINE, 1), event('a', $MOVED, 2), event('a', $OFFLINE, 3),
    event('b', $OFFLINE, 4));
my @single = map { $_->{message} } @event, event('c', $OFFLINE, 5);
my $first_two = "$OFFLINE: 1, $MOVED: 1\n\n$OFFLINE: 1\na: x · 15:30:01\n\n$MOVED: 1\n"
    . 'a: x · 15:30:02';
my $last_two = "$OFFLINE: 2\na: x · 15:30:03\nb: x · 15:30:04";
my $offline = "$OFFLINE: 3, of 2 clients\na ×2: x · 15:30:03\nb: x · 15:30:04";
my $all = "$OFFLINE: 3, $MOVED: 1\n\n$offline\n\n$MOVED: 1\na: x · 15:30:02";
my $flapping = "$OFFLINE: 3, $MOVED: 1\n\n🔁 Flapping: 1 client\na: $OFFLINE ×2, $MOVED in 2 s, now "
    . "$OFFLINE\n\n$OFFLINE: 1\nb: x · 15:30:04";

# Name; messages: time, text, numbers of its events, more; faults; numbers of doubled and reordered; ends
# of the monitor.
my @table = (
    [ 'each alone', [ map { [ $_, $single[$_], [$_] ] } 0 .. 3 ] ],
    [ 'with the time since', [ map { [ $_, "$single[$_] (3 min ago)", [$_] ] } 0 .. 3 ] ],
    [ 'two digests', [ [ 1, $first_two, [ 0, 1 ] ], [ 2, $last_two, [ 2, 3 ] ] ] ],
    [ 'one digest', [ [ 1, $all, [ 0 .. 3 ] ] ] ],
    [ 'a client that flaps', [ [ 1, $flapping, [ 0 .. 3 ] ] ] ],
    [ 'a digest behind two', [ [ 1, $single[0], [0] ], [ 2, $single[1], [1] ], [ 3, $last_two, [ 2, 3 ] ] ] ],
    [ 'a digest before two', [ [ 1, $first_two, [ 0, 1 ] ], [ 2, $single[2], [2] ], [ 3, $single[3], [3] ] ] ],
    [ 'one is missing', [ map { [ $_, $single[$_], [$_] ] } 0 .. 2 ], [qr/was not told: .*: b\n/] ],
    [ 'one is missing in digests', [ [ 1, $first_two, [ 0, 1 ] ], [ 2, $single[3], [3] ] ],
        [qr/was not told: .*\nNumber: 3\n/] ],
    [ 'nothing', [], [ (qr/was not told/) x 4 ] ],
    [ 'one too many', [ [ 1, $all, [ 0 .. 3 ] ], [ 2, $single[3], [3] ] ], [qr/without a reason/], 1 ],
    [ 'one of nobody', [ [ 1, $all, [ 0 .. 3 ] ], [ 2, $single[4], [4] ] ],
        [qr/tells what is no event: .*: c\n/], 1 ],
    [ 'twice, alone', [ (map { [ $_, $single[$_], [$_] ] } 0 .. 3), [ 4, $single[3], [3] ] ],
        [qr/without a reason: .*: b\n/], 1 ],
    [ 'twice, alone, the monitor ended',
        [ (map { [ $_, $single[$_], [$_] ] } 0 .. 3), [ 4, $single[3], [3] ] ], [], 1, 0, [3.5] ],
    [ 'twice, alone, unanswered', [ (map { [ $_, $single[$_], [$_], unanswered => 1 ] } 0 .. 3),
        [ 4, $single[3], [3] ] ], [], 1 ],
    [ 'a digest twice', [ [ 1, $all, [ 0 .. 3 ] ], [ 2, $all, [ 0 .. 3 ] ] ],
        [ (qr/without a reason/) x 4 ], 4 ],
    [ 'a digest twice, the monitor ended', [ [ 1, $all, [ 0 .. 3 ] ], [ 2, $all, [ 0 .. 3 ] ] ],
        [], 4, 0, [1.5] ],
    [ 'alone, then in a digest', [ [ 1, $single[0], [0] ], [ 2, $all, [ 0 .. 3 ] ] ],
        [qr/without a reason/], 1 ],
    [ 'alone, then in a digest, the monitor ended', [ [ 1, $single[0], [0] ], [ 2, $all, [ 0 .. 3 ] ] ],
        [], 1, 0, [1.5] ],
    [ 'a digest grows, the monitor ended', [ [ 1, $first_two, [ 0, 1 ] ], [ 2, $all, [ 0 .. 3 ] ] ],
        [], 2, 0, [1.5] ],
    [ 'another order', [ [ 1, $single[1], [1] ], [ 2, $single[0], [0] ], [ 3, $last_two, [ 2, 3 ] ] ],
        [qr/came before/], 0, 1 ],
    [ 'another order of digests', [ [ 1, $last_two, [ 2, 3 ] ], [ 2, $first_two, [ 0, 1 ] ] ],
        [qr/came before/], 0, 1 ],
    [ 'a digest that leaves one out', [ [ 1, $single[1], [1] ], [ 2, $offline, [ 0, 2, 3 ] ] ],
        [qr/came before/], 0, 1 ],
    [ 'another order of clients',
        [ [ 1, $single[3], [3] ], map { [ 2 + $_, $single[$_], [$_] ] } 0 .. 2 ] ],
    [ 'who is not named',
        [ [ 1, $first_two, [ 0, 1 ] ], [ 2, "$OFFLINE: 2\n… and 2 more clients", [ 2, 3 ] ] ] ],
    [ 'a digest that cannot be read', [ [ 1, $all =~ s/^b: .*/b/mr, [ 0 .. 3 ] ] ],
        [ qr/tells nothing, not 1 times: /, qr/cannot be read: b\z/, (qr/cannot be read: /) x 3 ] ],
    # The words are not those of the events.
    [ 'an alert of another event', [ [ 0, $single[0], [2] ], map { [ $_, $single[$_], [$_] ] } 1, 2, 3 ],
        [ qr/was not told: .*\nNumber: 1\n/, qr/\(2.0 s after/, qr/came before/,
            qr/is about another event: .*\nNumber: 1\n/ ], 1, 1 ],
    [ 'an alert of two events', [ [ 0, $single[0], [ 0, 1 ] ], map { [ $_, $single[$_], [$_] ] } 2, 3 ],
        [qr/is about another event: .*\nNumber: 1\n/] ],
    [ 'a digest that tells one too few', [ [ 1, $single[0], [0] ], [ 2, $last_two, [ 1 .. 3 ] ] ],
        [ qr/tells 2 alerts of 3: /, qr/tells nothing, not 1 times: / ] ],
    [ 'a digest that tells one too many', [ [ 1, $all, [ 0 .. 2 ] ] ],
        [ qr/was not told: .*: b\n/, qr/tells 4 alerts of 3: /, qr/tells 1 times 15:30:04, not nothing: / ] ],
    [ 'a digest of another time', [ [ 1, $all =~ s/15:30:02/15:30:01/r, [ 0 .. 3 ] ] ],
        [qr/tells 1 times 15:30:01, not 1 times 15:30:02: /] ],
    [ 'another one that flaps', [ [ 1, $flapping =~ s/now $OFFLINE/now $MOVED/r, [ 0 .. 3 ] ] ],
        [ (qr/tells [12] times $MOVED, not [12] times $OFFLINE: /) x 2 ] ],
    [ 'one that does not say what it is about', [ [ 1, $all ] ],
        [ (qr/was not told/) x 4, qr/tells 4 alerts of 0: /, (qr/tells .*, not nothing: /) x 3 ] ],
);
for (@table) {
    my ($name, $messages, $faults, $doubled, $reordered, $ends) = @$_;
    subtest $name => sub {
        my $ledger = Ledger->new;
        $ledger->{ends} = [ map { $NOW + $_ } @{ $ends // [] } ];
        my @messages = map {
            my ($time, $plain, $told, @more) = @$_;
            message($time, $plain, $told && [ @single[@$told] ], @more);
        } @$messages;
        my $result = $ledger->audit(\@event, \@messages);
        is(scalar @{ $result->{faults} }, scalar @{ $faults // [] }, 'faults')
            or diag explain $result->{faults};
        like($result->{faults}[$_], $faults->[$_], "... $_") for 0 .. $#{ $faults // [] };
        is_deeply([ @$result{qw(doubled reordered events messages)} ],
            [ $doubled // 0, $reordered // 0, 4, scalar @messages ], 'numbers');
        my $untold = grep { /was not told/ } @{ $result->{faults} };
        is(scalar $ledger->untold(\@event, \@messages), $untold, 'untold');
    };
}

# A client that flaps has its answer lost on the way; all of it comes in a digest, whose words fit to what
# happens later, too.
subtest 'by words alone' => sub {
    my @well = ([ @single[ 0 .. 3 ] ], [ $first_two, $last_two ], [$all], [$flapping], [ @single[ 0, 1 ], $last_two ],
        [ @single[ 3, 0, 1, 2 ] ]);
    my @ill = ([ @single[ 0 .. 2 ] ], [ $all, $single[3] ], [ @single[ 0, 2, 1, 3 ] ], [ $all, $single[4] ],
        [ $single[2], $last_two, $first_two ], []);
    my $faults = sub { scalar(my @fault = Tellings::faults(\@event, [ map { message(0, $_) } @{ $_[0] } ])) };
    is($faults->($_), 0, 'each once: ' . join ' / ', map { s/\n/ /gr } @$_) for @well;
    isnt($faults->($_), 0, 'not so: ' . join ' / ', map { s/\n/ /gr } @$_) for @ill;
};

subtest 'a client that flaps, again and again' => sub {
    my @titles = ($MOVED, '⚠️ VPN BYPASS WARNING', $MOVED, '✅ VPN Bypass Over');
    my @happened = map { event('a', $titles[ $_ % 4 ], $_) } 0 .. 7;
    my @text = map { $_->{message} } @happened;
    my $words = "$titles[1]: 1, $MOVED: 2, $titles[3]: 1\n\n🔁 Flapping: 1 client\n"
        . "a: $titles[1], $MOVED ×2, $titles[3] in 3 s, now $titles[3]";
    my $result = Ledger->new->audit(\@happened, [ message(1, $text[0], [ $text[0] ], unanswered => 1),
        message(2, $words, [ @text[ 0 .. 3 ] ]), message(3, $words, [ @text[ 4 .. 7 ] ]) ]);
    is_deeply([ @$result{qw(faults doubled reasons)} ], [ [], 1, { 'answer lost' => 1 } ], 'one came twice');
};

# The store was away when something was told, and the monitor ended: what was on the disk comes again,
# what happened without it does not.
subtest 'what comes again has gaps' => sub {
    my @happened = (event('a', $OFFLINE, 1), event('a', $MOVED, 2), event('a', '✅ VPN Bypass Over', 3));
    my @text = map { $_->{message} } @happened;
    my $words = "$OFFLINE: 1, ✅ VPN Bypass Over: 1\n\n$OFFLINE: 1\na: x · 15:30:01\n\n"
        . "✅ VPN Bypass Over: 1\na: x · 15:30:03";
    my $ledger = Ledger->new;
    $ledger->{ends} = [ $NOW + 1.5 ];
    my $result = $ledger->audit(\@happened, [ message(1, $text[0], [ $text[0] ]),
        message(2, $text[1], [ $text[1] ]), message(3, $words, [ @text[ 0, 2 ] ]) ]);
    is_deeply([ @$result{qw(faults doubled reasons)} ], [ [], 1, { 'monitor ended' => 1 } ], 'one came twice');
};

# What is told again is not taken for what comes next.
subtest 'the server starts again and again' => sub {
    my $title = '🚀 VPN Sentinel Started';
    my @text = map { "$title\nTime: 2026-11-28 15:30:0$_ CET" } 1 .. 3;
    my @start = map { { message => $_ } } @text;
    my $ledger = Ledger->new;
    $ledger->{ends} = [ $NOW + 1.5 ];
    my $result = $ledger->audit(\@start, [ message(1, "$title: 1\n15:30:01", [ $text[0] ]),
        message(2, "$title: 1\n15:30:01", [ $text[0] ]),
        message(3, "$title: 2\n15:30:02\n15:30:03", [ @text[ 1, 2 ] ]) ]);
    is_deeply([ @$result{qw(faults doubled)} ], [ [], 1 ], 'the first one was told twice');
};

subtest 'questions' => sub {
    my $ledger = Ledger->new;
    $ledger->asks($_) for 1 .. 3;
    $ledger->{ends} = [ $NOW + 2.5 ];
    my @answer = map { message($_->[0], 'Pong', undef, reply_to => $_->[1]) } [ 1, 1 ], [ 2, 2 ], [ 3, 2 ];
    is_deeply([ $ledger->untold([], \@answer) ], [3], 'one waits');
    is_deeply($ledger->audit([], \@answer)->{faults}, ['question 3 was not answered'], 'is blamed');
    my $result = Ledger->new->audit([], \@answer);
    is_deeply($result->{faults}, [], 'what nobody asked is not looked at');
    $ledger = Ledger->new;
    $ledger->asks(2);
    is_deeply($ledger->audit([], \@answer)->{faults},
        ["was told without a reason: Pong\n(1.0 s after it was told before)"], 'an answer twice');
};

# What was announced; what is open of it.
subtest 'what may be' => sub {
    my $ledger = Ledger->new;
    $ledger->expect('a', 'connected');
    $ledger->may('a', 'offline', 'connected');
    $ledger->expect('a', 'dns_leak');
    my @table = (
        [ 'connected dns_leak', 1 ],
        [ 'connected offline connected dns_leak', 1 ],
        [ 'connected offline dns_leak', 0 ],
        [ 'connected offline connected offline connected dns_leak', 0 ],
        [ 'connected', 0 ],
        [ 'connected dns_leak dns_leak', 0 ],
        [ '', 0 ],
    );
    for (@table) {
        my ($told, $is_even) = @$_;
        my @open = $ledger->open_accounts(sub { split ' ', $told });
        is(scalar @open, $is_even ? 0 : 1, "'$told'") or diag "@open";
    }
};

# What was taken twice, and why: first and second time, more of the first one, ends of the monitor, when the
# store was gone.
subtest 'reasons' => sub {
    my @table = (
        [ 'answer lost', { unanswered => 1 } ],
        [ 'answer lost', { unanswered => 1 }, [1.5] ],
        [ 'monitor ended', {}, [1.5] ],
        [ 'store gone', {}, [4], [ 0.5, 6 ] ],
        [ undef, {}, [0.5] ],
        [ undef, {}, [4] ],
        [ undef, {}, [], [ 0.5, 6 ] ],
        [ undef, {}, [0.7], [ 0.5, 6 ] ],
    );
    for (@table) {
        my ($reason, $more, $ends, $gone) = @$_;
        my $ledger = Ledger->new;
        $ledger->{ends} = [ map { $NOW + $_ } @{ $ends // [] } ];
        $ledger->{gone} = [ { from => $NOW + $gone->[0], to => $NOW + $gone->[1] } ] if $gone;
        my $result = $ledger->audit([ $event[0] ],
            [ message(1, $single[0], [ $single[0] ], %$more), message(5, $single[0], [ $single[0] ]) ]);
        is_deeply($result->{reasons}, defined $reason ? { $reason => 1 } : {}, $reason // 'none');
        is(scalar @{ $result->{faults} }, defined $reason ? 0 : 1, '... is blamed if there is none');
    }
};

# A post that a webhook took.
sub post {
    my ($time, $number, %more) = @_;
    return { time => $NOW + $time, id => "msg_$number", text => $single[$number],
        client => $event[$number]{client_id}, is_signed => 1, %more };
}

# Name; what was taken; faults; numbers of doubled and reordered; ends of the monitor.
my @hook_table = (
    [ 'each once', [ map { post($_, $_) } 0 .. 3 ] ],
    [ 'another order of clients', [ post(1, 3), map { post(2 + $_, $_) } 0 .. 2 ] ],
    [ 'one is missing', [ map { post($_, $_) } 0 .. 2 ], [qr/was not told: .*: b\n/] ],
    [ 'one of nobody', [ (map { post($_, $_) } 0 .. 3), post(4, 0, text => 'News: none') ],
        [qr/was told what was not: News/] ],
    [ 'another order', [ post(1, 1), post(2, 0), post(3, 2), post(4, 3) ], [qr/came before/], 0, 1 ],
    [ 'twice', [ (map { post($_, $_) } 0 .. 3), post(4, 3) ], [qr/without a reason: .*: b\n/], 1 ],
    [ 'twice, unanswered', [ (map { post($_, $_, unanswered => 1) } 0 .. 3), post(4, 3) ], [], 1 ],
    [ 'twice, the monitor ended', [ (map { post($_, $_) } 0 .. 3), post(4, 3) ], [], 1, 0, [3.5] ],
    [ 'twice, under another id', [ (map { post($_, $_, unanswered => 1) } 0 .. 3),
        post(4, 3, id => 'msg_9') ], [qr/has several ids: .*: b\n/], 1 ],
    [ 'not signed', [ post(0, 0, is_signed => 0), map { post($_, $_) } 1 .. 3 ],
        [qr/is not signed: .*: a\n/] ],
);
for (@hook_table) {
    my ($name, $taken, $faults, $doubled, $reordered, $ends) = @$_;
    subtest "a webhook: $name" => sub {
        my $ledger = Ledger->new;
        $ledger->{ends} = [ map { $NOW + $_ } @{ $ends // [] } ];
        my $result = $ledger->audit_hook(\@event, $taken);
        is(scalar @{ $result->{faults} }, scalar @{ $faults // [] }, 'faults')
            or diag explain $result->{faults};
        like($result->{faults}[$_], $faults->[$_], "... $_") for 0 .. $#{ $faults // [] };
        is_deeply([ @$result{qw(doubled reordered messages)} ],
            [ $doubled // 0, $reordered // 0, scalar @$taken ], 'numbers');
        my $untold = grep { /was not told/ } @{ $result->{faults} };
        is(scalar $ledger->unhooked(\@event, $taken), $untold, 'untold');
    };
}

done_testing;
