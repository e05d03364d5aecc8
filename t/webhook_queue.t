# What waits for webhooks: each has its own queue, which another one, a mute, and the end of the monitor or
# of httpd leave alone.
use strict;
use warnings;

use Test::More;

use BotApi;
use Sentinel;
use WebhookReceiver;

my @KILLED = (qr/VPNS003[457]: /, qr/AH00052: child pid \d+ exit signal Killed/);

sub started {
    my (@part) = @_;
    return Sentinel->start(
        conf => join('', map { $_->conf } @part),
        files => { map { %{ $_->files } } grep { $_->can('files') } @part },
    );
}

subtest 'one that hangs, beside others' => sub {
    my ($well, $hanging, $bot) = (WebhookReceiver->start(secret => undef), WebhookReceiver->start, BotApi->start);
    $hanging->fail(hang => 1);
    my $httpd = started($bot, $hanging, $well);
    $httpd->keepalive({ client_id => "c-$_", public_ip => '203.0.113.1' }) for 1 .. 3;
    my @message = $well->is_told($httpd, 4, 'the other one');
    $httpd->is_told($bot, 'Telegram is told');
    is_deeply([ map { $_->{is_signed} } @message ], [ (undef) x 4 ], '... without a signature');
    is($hanging->events, 1, 'it hangs at its first event');
    ok($httpd->wait_for(sub { join(' ', map { $_->{queued} } $httpd->webhooks) eq '4 0' }),
        'and has all before it');
    $bot->misbehave(sendMessage => { hang => 1 });
    $httpd->keepalive({ client_id => 'c-1', public_ip => '203.0.113.7' });
    $well->is_told($httpd, 5, 'Telegram hangs, too');
    $hanging->behave('hook');
    $_->behave('sendMessage') for $bot;
    $hanging->is_told($httpd, 5, 'the one that hung');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a mute is of the chat only' => sub {
    my ($receiver, $bot) = (WebhookReceiver->start, BotApi->start);
    my $httpd = started($bot, $receiver);
    $bot->wait_for_messages(1);
    ok($bot->wait_for_reply($bot->say('/mute 1h')), 'muted');
    $httpd->keepalive({ client_id => 'office' });
    $receiver->is_told($httpd, 2, 'the webhook is told');
    is($bot->alerts, 1, 'the chat is not');
    $httpd->stop;
    $httpd->check_error_log;
};

# Whoever was killed in the middle of a request cannot know whether it was accepted.
for my $victim (qw(monitor everything)) {
    subtest "$victim is killed" => sub {
        my @receiver = map { WebhookReceiver->start } 1 .. 2;
        my $httpd = started(@receiver);
        my $reports = 0;
        for my $round (1 .. 4) {
            $httpd->keepalive({ client_id => "c-$_", public_ip => "203.0.113.$round" }) for 1 .. 4;
            my $seen = $receiver[0]->messages;
            $receiver[$round % 2]->fail(drop => 1, times => 1);
            $httpd->wait_for(sub { $receiver[0]->messages > $seen }, 10);
            if ($victim eq 'monitor') {
                my ($monitor) = $httpd->monitors;
                kill 'KILL', $monitor;
                ok($httpd->wait_for_monitor($monitor), "round $round: another monitor");
            } else {
                $httpd->crash;
                $httpd->start_again;
                ok($httpd->wait_for_monitor, "round $round: another server");
            }
        }
        $httpd->keepalive({ client_id => 'last' });
        $httpd->is_announced('last', 'connected', 'it goes on');
        for my $receiver (@receiver) {
            my @message = $receiver->is_told($httpd, scalar(my @all = $httpd->events), 'after all');
            my %times;
            $times{ $_->{id} }++ for @message;
            cmp_ok(@message - keys %times, '<=', 8, 'repeats have a reason each');
            is_deeply([ grep { !$_->{is_signed} } @message ], [], 'all are signed');
        }
        $httpd->stop;
        $httpd->check_error_log(allow => \@KILLED);
    };
}

# Takes a line out of the configuration, or puts one in, and has httpd read it.
sub configure {
    my ($httpd, $before, $after) = @_;
    my $conf = $httpd->read_file('httpd.conf');
    $conf =~ s/\Q$before\E/$after/ or die "no $before";
    $httpd->write_file('httpd.conf', $conf);
    my ($monitor) = $httpd->monitors;
    $httpd->graceful;
    return $httpd->wait_for_monitor($monitor);
}

subtest 'they come and go' => sub {
    my ($first, $second) = map { WebhookReceiver->start } 1 .. 2;
    $first->leave;
    my $httpd = Sentinel->start(conf => $first->conf, files => { %{ $first->files }, %{ $second->files } });
    $httpd->keepalive({ client_id => 'office' });
    $httpd->is_announced('office', 'connected', 'an event');
    ok($httpd->wait_for(sub { $httpd->webhook->{queued} == 2 }), 'two events wait');
    configure($httpd, $first->conf, $second->conf);
    ok($httpd->wait_for(sub { $httpd->error_log =~ /VPNS0067: .*: 2$/m }),
        'the queue of one that is gone is removed, and told');
    $httpd->keepalive({ client_id => 'later' });
    ok($httpd->wait_for(sub { $second->events == 1 }), 'a new one is told what is new');
    is(($second->events)[0]{event}{client_id}, 'later', '... and no history');
    $first->come_back;
    configure($httpd, $second->conf, $first->conf);
    $httpd->keepalive({ client_id => 'last' });
    ok($httpd->wait_for(sub { $first->events == 1 }), 'the first one is back');
    is(($first->events)[0]{event}{client_id}, 'last', '... and told what is new');
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0067: /]);
};

done_testing;
