# A real Prometheus: its own tools take what the module tells and what conf/ has for it, and it scrapes
# the module. Debian's package has a service, so that nothing is installed: see bootstrap.
use strict;
use warnings;

use Cwd qw(abs_path);
use HTTP::Tiny;
use JSON::PP ();
use POSIX ();
use Test::More;

use Exposition;
use Sentinel;
use SourceTree qw(content);

my $SOURCE = $ENV{VPS_SRCDIR} // '.';
my $BUILD = $ENV{VPS_BUILDDIR} // '.';

# A program of the package: the build folder's, else the system's.
sub program {
    my ($name) = @_;
    my ($found) = grep { -x } map { "$_/$name" } "$BUILD/t/prometheus/root/usr/bin", split /:/, $ENV{PATH};
    return $found;
}

my ($prometheus, $promtool) = map { program($_) } qw(prometheus promtool);
plan skip_all => 'there is no prometheus and no promtool: ./bootstrap check fetches them'
    if !$prometheus || !$promtool;

# Runs a command with this input; returns its exit status and all that it says.
sub run {
    my ($input, @command) = @_;
    my $path = "$BUILD/t/tmp/prometheus-input.$$";
    mkdir "$BUILD/t/tmp";
    open(my $file, '>:raw', $path) or die "$path: $!";
    print {$file} $input;
    close $file;
    my $pid = open(my $output, '-|') // die "fork: $!";
    if (!$pid) {
        open(STDIN, '<', $path) or POSIX::_exit(127);
        open(STDERR, '>&', \*STDOUT) or POSIX::_exit(127);
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    my $text = join '', <$output>;
    close $output;
    unlink $path;
    return ($? >> 8, $text);
}

# --- what conf/ has -------------------------------------------------------------------------------

subtest 'alert rules' => sub {
    my ($status, $said) = run('', $promtool, qw(check rules), "$SOURCE/conf/prometheus-alerts.yml");
    is($status, 0, 'promtool check rules') or diag $said;
    ($status, $said) = run('', $promtool, qw(test rules), "$SOURCE/t/prometheus/alerts-test.yml");
    is($status, 0, 'promtool test rules') or diag $said;
};

my $rules = content('conf/prometheus-alerts.yml');
my $manual = content('docs/metrics.md');
my $dashboard = JSON::PP->new->utf8->decode(content('conf/grafana-dashboard.json'));
my @expressions = map { $_->{expr} } map { @{ $_->{targets} // [] } } @{ $dashboard->{panels} };

subtest 'alerts are tested and documented' => sub {
    my $tests = content('t/prometheus/alerts-test.yml');
    my %rule = $rules =~ /- alert: (\w+)\n(.*?)(?=- alert|\z)/sg;
    for my $alert (sort keys %rule) {
        my ($severity) = $rule{$alert} =~ /severity: (\w+)/;
        like($tests, qr/alertname="$alert".*severity="$severity"/, "$alert: fires in a test");
        like($manual, qr/^\| `$alert` \| $severity \| \S/m, '... is in docs/metrics.md');
    }
    my @documented = $manual =~ /^\| `(VpnSentinel\w+)` \| (?:critical|warning|info) \|/mg;
    is(scalar @documented, scalar keys %rule, 'docs/metrics.md has no other');
};

# --- what the module tells ------------------------------------------------------------------------

my $sentinel = Sentinel->start(conf => "VPNSentinelMetrics\nVPNSentinelServerPublicIP 203.0.113.43\n");
my $hostile = q{"} . '\\' . q{"} . "}\x{6771} {a='b'}";
$sentinel->keepalive($_) for { client_id => 'bypass', public_ip => '203.0.113.43', city => $hostile },
    { client_id => 'good', location => 'DE', dns_loc => 'DE' };

subtest 'promtool check metrics' => sub {
    my $answer = $sentinel->request('GET', '/metrics');
    my ($status, $said) = run($answer->{content}, $promtool, qw(check metrics));
    is($status, 0, 'it takes them');
    is($said, '', '... and has nothing to say');
    ($status, $said) = run("$answer->{content}no metric\n", $promtool, qw(check metrics));
    isnt($status, 0, '... and would have, of others');
};

# --- scraping -------------------------------------------------------------------------------------

my ($port) = $sentinel->free_ports(1);
my $root = $sentinel->root;
$sentinel->write_file('prometheus.yml', JSON::PP->new->encode({
    # A scrape may take long on a busy machine.
    global => { scrape_interval => '1s', scrape_timeout => '1s', evaluation_interval => '1s' },
    rule_files => [ abs_path("$SOURCE/conf/prometheus-alerts.yml") ],
    scrape_configs => [ {
        job_name => 'vpnsentinel',
        static_configs => [ { targets => [ '127.0.0.1:' . $sentinel->port ] } ],
    } ],
}));
my $server = fork // die "fork: $!";
if (!$server) {
    open(STDOUT, '>', "$root/prometheus.log") or POSIX::_exit(127);
    open(STDERR, '>&', \*STDOUT) or POSIX::_exit(127);
    exec $prometheus, "--config.file=$root/prometheus.yml", "--storage.tsdb.path=$root/tsdb",
        "--web.listen-address=127.0.0.1:$port" or POSIX::_exit(127);
}

END {
    if ($server) {
        local $?;
        kill 'KILL', $server;
        waitpid $server, 0;
    }
}

# What it answers to a path of its API; undef while it does not.
sub ask {
    my ($path, %argument) = @_;
    my $http = HTTP::Tiny->new(timeout => 60);
    my $query = $http->www_form_urlencode(\%argument);
    my $answer = $http->get("http://127.0.0.1:$port/api/v1/$path?$query");
    my $body = eval { JSON::PP->new->utf8->decode($answer->{content}) };
    return $body;
}

# The result of a query once it has one that is no empty list.
sub result {
    my ($expression) = @_;
    my $result;
    $sentinel->wait_for(sub {
        my $answer = ask('query', query => $expression);
        $result = $answer->{data}{result};
        return ref $result && @$result;
    });
    return $result // [];
}

subtest 'Prometheus scrapes it' => sub {
    is(result('up{job="vpnsentinel"} == 1')->[0]{value}[1] // 'nothing', 1, 'the target is up')
        or diag $sentinel->read_file('prometheus.log');
    is(result('sum(vpnsentinel_clients)')->[0]{value}[1], 2, 'a query is answered');
    is(result('vpnsentinel_client_condition{client_id="bypass",condition="bypass"}')->[0]{value}[1], 1, 'of a client');
    my $info = result('vpnsentinel_client_info{client_id="bypass"}')->[0]{metric};
    is($info->{city}, $hostile, 'a hostile text comes through as it is');
    is($info->{public_ip}, '203.0.113.43', 'an address');
    ok($sentinel->wait_for(sub { ask('targets')->{data}{activeTargets}[0]{health} eq 'up' }), 'the target is healthy');
    my %type = (vpnsentinel_keepalives_total => 'counter', vpnsentinel_client_info => 'info',
        vpnsentinel_clients => 'gauge');
    my $metadata = ask('metadata')->{data};
    # OpenMetrics' names are those of families.
    for my $name (sort keys %type) {
        my $known = $metadata->{ $name =~ s/_(?:total|info)\z//r }[0];
        is($known->{type}, $type{$name}, "$name: it was OpenMetrics");
        isnt($known->{help}, '', '... with words');
    }
};

subtest 'an alert fires' => sub {
    my $alert = result('ALERTS{alertname="VpnSentinelClientBypass",alertstate="firing"}')->[0]{metric};
    is($alert->{client_id}, 'bypass', 'of who it is about');
    my @rules = map { @{ $_->{rules} } } @{ ask('rules')->{data}{groups} };
    my @faults = map { $_->{lastError} // '' } @rules;
    is(scalar @rules, scalar(() = $rules =~ /- alert: /g), 'each rule is evaluated');
    is(join('', @faults), '', '... without a fault');
};

subtest 'Grafana asks for what there is' => sub {
    cmp_ok(scalar @expressions, '>', 15, 'the expressions of the dashboard');
    my %exists = map { $_ => 1 }
        Exposition->parse($sentinel->request('GET', '/metrics')->{content}, 'text')->families;
    for my $expression (@expressions, $rules =~ /^ {8}expr: (?!>)(.*)$/mg) {
        my $query = $expression =~ s/\$__rate_interval/1m/gr =~ s/\$instance/.*/gr;
        my $answer = ask('query', query => $query);
        is($answer->{status}, 'success', $query) or diag $answer->{error};
        my @unknown = grep { !$exists{$_} } $query =~ /\b(vpnsentinel_\w+)/g;
        is("@unknown", '', '... of metrics that exist');
    }
    my @ids = map { $_->{id} } @{ $dashboard->{panels} };
    my %different = map { $_ => 1 } @ids;
    is(scalar keys %different, scalar @ids, 'each panel has a number of its own');
};

$sentinel->check_error_log;
done_testing;
