package Endurance::Faults;

=head1 NAME

Endurance::Faults - what strikes in the rounds of an endurance run

=head1 DESCRIPTION

The part of Endurance (see there) that has the faults: names() lists those that can be here, each as
often as it is drawn, and fault(NAME) is a hash of what may strike in a round: begin, strike (in the
middle of the changes), end; each may be missing. And of

    calm     nothing is open when it strikes, because it may cost the last second of what was
             reported
    quiet    nobody asks anything, because a question goes with the store, or with the monitor where
             there is none, or grows old when the clock steps
    awake    nobody is silent: who is offline is judged by the monitor alone, and where it ends with that
             in its memory, the next one judges anew, with another time
    cuts     requests that are on their way may remain without an answer
    refuses  nobody listens for a time
    forgets  the last minute of counted keepalives may be lost
    needs    a method without whose consent it cannot be here
    often    how often it is drawn, 1

=cut

use strict;
use warnings;

use Time::HiRes qw(sleep time);

my %END = (cuts => 1, refuses => 1);

my %FAULT = (
    'nothing' => {},
    'monitor killed' => { strike => '_kill_monitor' },
    'monitor killed twice' => { strike => '_kill_monitor', end => '_kill_monitor' },
    'child killed' => { strike => '_kill_child', cuts => 1, often => 2 },
    'children killed' => { strike => '_kill_children', cuts => 1 },
    'child dies in a change' => { strike => '_die_in_change', end => 'dismiss_guests', cuts => 1,
        often => 2 },
    'everything killed' => { strike => '_crash', calm => 1, forgets => 1, %END },
    'graceful' => { strike => '_graceful' },
    'two gracefuls' => { strike => '_graceful_twice' },
    'graceful loop' => { strike => '_graceful_loop', often => 3 },
    'graceful loop, child killed' =>
        { begin => '_kill_child', strike => '_graceful_loop', end => '_kill_child', cuts => 1 },
    'restart' => { strike => '_restart', cuts => 1 },
    'stop and start' => { strike => '_stop_and_start', %END },
    'clock steps' => { begin => '_await_answers', strike => '_step_clock', quiet => 1, often => 2 },
    'clock steps, graceful' => { begin => '_await_answers', strike => '_step_clock',
        end => '_graceful', quiet => 1 },
    'clock steps, everything killed' => { begin => '_await_answers', strike => '_step_and_crash',
        calm => 1, quiet => 1, forgets => 1, %END },
    'store moved away' => { begin => '_move_store', end => '_bring_store_back' },
    'store forbidden' => { begin => '_forbid_store', strike => '_graceful', end => '_allow_store',
        quiet => 1, awake => 1 },
    'store removed' => { begin => '_await_answers', strike => '_remove_store',
        end => '_await_new_store', quiet => 1 },
    'store moved away, monitor killed' =>
        { begin => '_move_store', strike => '_kill_monitor', end => '_bring_store_back',
        quiet => 1, awake => 1 },
    'disk full' => { begin => '_fill_disk', end => '_free_disk', needs => 'has_disk', often => 2 },
    'disk full, monitor killed' => { begin => '_fill_disk', strike => '_kill_monitor',
        end => '_free_disk', quiet => 1, awake => 1, needs => 'has_disk' },
    'bot away' => { begin => '_bot_leaves', strike => '_kill_monitor', end => '_bot_comes_back' },
    'bot away, everything killed' => { begin => '_bot_leaves', strike => '_crash',
        end => '_bot_comes_back', calm => 1, forgets => 1, %END },
    'bot fails' => { begin => '_bot_fails', often => 2 },
    'bot cuts off' => { begin => '_bot_cuts_off' },
    'bot is slow' => { begin => '_bot_is_slow' },
    'bot hangs' => { begin => '_bot_hangs' },
    'webhook away' => { begin => '_hook_leaves', strike => '_kill_monitor', end => '_hook_comes_back' },
    'webhook fails' => { begin => '_hook_fails', often => 2 },
    'webhook fails, everything killed' => { begin => '_hook_fails', strike => '_crash',
        calm => 1, forgets => 1, %END },
    'bot and webhook away, graceful loop' => { begin => '_all_leave', strike => '_graceful_loop',
        end => '_all_come_back' },
);

sub names {
    my ($self) = @_;
    my @possible = grep {
        my $needs = $FAULT{$_}{needs};
        !$needs || $self->$needs;
    } sort keys %FAULT;
    return map { ($_) x ($FAULT{$_}{often} // 1) } @possible;
}

sub fault {
    my ($self, $name) = @_;
    return $FAULT{$name};
}

# --- processes ------------------------------------------------------------------------------------

sub _kill_monitor {
    my ($self) = @_;
    kill 'KILL', $self->{httpd}->monitors;
    $self->{ledger}->monitor_ends;
}

sub _kill_child {
    my ($self) = @_;
    my @child = sort { $a <=> $b } $self->{httpd}->children;
    my $drawn = rand;
    kill 'KILL', $child[ $drawn * @child ] if @child;
}

sub _kill_children {
    my ($self) = @_;
    kill 'KILL', $self->{httpd}->children;
}

# Another point of the change each time, of one who is known and of one who is new.
sub _die_in_change {
    my ($self) = @_;
    my ($client) = grep { !$_->{silent} } @{ $self->{clients} };
    my ($known, $new) = map { 1 + int rand 24 } 1 .. 2;
    $self->report($client, $known);
    $self->receive_guest($new);
}

sub _crash {
    my ($self) = @_;
    $self->{httpd}->crash;
    $self->{ledger}->monitor_ends;
    $self->_new_life;
    $self->_await_store;
}

# Never two starts in one second: their events would have the same words.
sub _new_life {
    my ($self) = @_;
    sleep 0.05 while time < $self->{born} + 1;
    $self->{httpd}->start_again;
    $self->{born} = time;
    $self->{reloads} = 0;
}

# What was on its way when the end began may have been taken until it was over.
sub _end_monitor {
    my ($self, $way) = @_;
    $self->{ledger}->monitor_ends;
    $way->();
    $self->{ledger}->monitor_ends;
    $self->{reloads}++;
    $self->{all_reloads}++;
}

sub _graceful {
    my ($self) = @_;
    $self->_end_monitor(sub { $self->{httpd}->graceful });
}

sub _signal_graceful {
    my ($self) = @_;
    $self->_end_monitor(sub { kill 'USR1', $self->{httpd}->pid });
}

sub _graceful_twice {
    my ($self) = @_;
    $self->_signal_graceful;
    $self->_graceful;
}

# One after the other, not waiting for any but the last.
sub _graceful_loop {
    my ($self) = @_;
    for my $pause (map { rand 0.3 } 1 .. 6 + int rand 6) {
        $self->_signal_graceful;
        $self->pass($pause);
    }
    $self->_graceful;
}

sub _restart {
    my ($self) = @_;
    $self->_end_monitor(sub { $self->{httpd}->restart });
}

sub _stop_and_start {
    my ($self) = @_;
    $self->_end_monitor(sub { $self->{httpd}->stop });
    $self->_new_life;
}

# --- the clock ------------------------------------------------------------------------------------

# Hours ahead, then some part of an hour back, and so on: never to a time that was before, or events
# could have the same words. What is announced is seen before: it may go with its time.
sub _step_clock {
    my ($self) = @_;
    $self->settle;
    $self->archive;
    my $ahead = 10_800 + int rand 32_400;
    my $back = 1800 + int rand 5400;
    $self->{step} += $self->{steps}++ % 2 ? -$back : $ahead;
    $self->{httpd}->step_clock($self->{step});
}

sub _step_and_crash {
    my ($self) = @_;
    $self->_step_clock;
    $self->_crash;
}

# --- the store ------------------------------------------------------------------------------------

# So that it has the store open when that goes.
sub _await_monitor {
    my ($self) = @_;
    my $is_there = sub {
        my (undef, $status) = $self->{httpd}->api('GET', '/status');
        return $self->{httpd}->monitors == 1 && $status && $status->{monitor}{running};
    };
    $self->blame('there is no monitor') if !$self->await($is_there);
}

sub _move_store {
    my ($self) = @_;
    $self->_await_monitor;
    $self->{ledger}->store_goes;
    rename $self->{state}, "$self->{state}.away" or die "rename: $!";
}

sub _bring_store_back {
    my ($self) = @_;
    rename "$self->{state}.away", $self->{state} or die "rename: $!";
    $self->_await_store;
    $self->{ledger}->store_is_back;
}

sub _forbid_store {
    my ($self) = @_;
    $self->_await_monitor;
    $self->{ledger}->store_goes;
    chmod 0, $self->{state};
}

sub _allow_store {
    my ($self) = @_;
    chmod 0700, $self->{state};
    $self->_await_store;
    $self->{ledger}->store_is_back;
}

sub _await_answers {
    my ($self) = @_;
    $self->await(sub { !$self->{ledger}->unanswered([ $self->{bot}->replies ]) });
}

sub _remove_store {
    my ($self) = @_;
    $self->archive;
    unlink glob "$self->{state}/*";
}

# Until what happened is on the disk again.
sub _await_store {
    my ($self) = @_;
    my $is_back = sub {
        my (undef, $status) = $self->{httpd}->api('GET', '/status');
        return $status && $status->{store}{state} eq 'ok' && -e "$self->{state}/vpnsentinel.db";
    };
    $self->blame('the store does not come back') if !$self->await($is_back);
}

# The monitor looks after its file every few seconds, and has no other sign of it.
sub _await_new_store {
    my ($self) = @_;
    $self->_await_store;
    $self->settle;
}

# A new monitor begins with a log that has no room of its own yet.
sub _fill_disk {
    my ($self) = @_;
    $self->_graceful;
    $self->_await_monitor;
    $self->{ledger}->store_goes;
    open(my $filler, '>:raw', "$self->{disk}/filler") or die "filler: $!";
    1 while syswrite $filler, "\0" x 4096;
    close $filler;
}

sub _free_disk {
    my ($self) = @_;
    my (undef, $status) = $self->{httpd}->api('GET', '/status');
    $self->{full}++ if $status && $status->{store}{state} eq 'degraded';
    unlink "$self->{disk}/filler" or die "filler: $!";
    $self->_await_store;
    $self->{ledger}->store_is_back;
}

# --- who is told ----------------------------------------------------------------------------------

sub _bot_leaves {
    my ($self) = @_;
    $self->{bot}->leave;
}

sub _bot_comes_back {
    my ($self) = @_;
    $self->{bot}->come_back;
}

sub _bot_fails {
    my ($self) = @_;
    my @way = (
        sub { $self->{bot}->fail(429, retry_after => 1 + int rand 3, times => 1) },
        sub { $self->{bot}->fail(429, retry_after => 2, times => 1, method => 'getUpdates') },
        sub { $self->{bot}->fail(500, times => 2) },
        sub { $self->{bot}->fail(502, times => 1, description => 'Bad Gateway') },
        sub { $self->{bot}->fail(500, method => 'getUpdates', times => 2) },
        map {
            my ($method, $fault) = @$_;
            sub { $self->{bot}->misbehave($method => { $fault => 1, times => 2 }) }
        } map { ([ sendMessage => $_ ], [ getUpdates => $_ ]) } qw(garbage drop),
    );
    $way[rand @way]->();
}

sub _bot_cuts_off {
    my ($self) = @_;
    $self->{bot}->misbehave($_ => { cut => 1, times => 1 }) for qw(sendMessage getUpdates);
}

sub _bot_is_slow {
    my ($self) = @_;
    $self->{bot}->misbehave(sendMessage => { slow => 1, times => 1 });
}

sub _bot_hangs {
    my ($self) = @_;
    $self->{bot}->misbehave(sendMessage => { hang => 1, times => 1 });
}

sub _hook_leaves {
    my ($self) = @_;
    $self->{hooks}[0]->leave;
}

sub _hook_comes_back {
    my ($self) = @_;
    $self->{hooks}[0]->come_back;
}

sub _hook_fails {
    my ($self) = @_;
    my @way = (
        { status => 500, times => 2 },
        { status => 503, times => 1, header => { 'Retry-After' => 2 } },
        { status => 429, times => 1, header => { 'Retry-After' => 1 } },
        { status => 302, times => 1, header => { Location => 'http://127.0.0.1:9/' } },
        map { { $_ => 1, times => 1 } } qw(garbage drop cut slow hang),
    );
    $self->{hooks}[0]->fail(%{ $way[rand @way] });
}

sub _all_leave {
    my ($self) = @_;
    $self->_bot_leaves;
    $self->_hook_leaves;
}

sub _all_come_back {
    my ($self) = @_;
    $self->_bot_comes_back;
    $self->_hook_comes_back;
}

1;
