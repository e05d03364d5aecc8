# What is in packaging/ fits the rest: versions and dependencies are told alike everywhere, containers and
# manifests know only variables, ports and folders that the product has, none of them runs as root or may write
# where it need not, and systemd has nothing to say against the unit.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);
use Test::More;

use SourceTree qw(content);
use VpsHttpd;

my $SOURCE = $ENV{VPS_SRCDIR} // '.';
my $BUILD = $ENV{VPS_BUILDDIR} // '.';
my $CONTAINERS = 'packaging/containers';
my $USER = '10001:10001';
my $variable = qr/(?:VPN_SENTINEL|TELEGRAM|IPINFO)_[A-Z_]*[A-Z]/;

my $tmp = "$BUILD/t/tmp/packaging.$$";
my $owner = $$;
make_path($tmp);
END { remove_tree($tmp) if $tmp && $$ == $owner }

sub write_file {
    my ($path, $content) = @_;
    open(my $file, '>', $path) or die "$path: $!\n";
    print {$file} $content;
    close $file or die "$path: $!\n";
}

sub is_there {
    my ($program) = @_;
    return scalar grep { -x "$_/$program" } split /:/, $ENV{PATH};
}

# The command's exit status and all that it wrote.
sub run {
    my @command = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open(STDERR, '>&', \*STDOUT);
        exec @command or die "$command[0]: $!\n";
    }
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $output);
}

my $configure = content('configure.ac');
my %default = content('conf/envvars') =~ /\$\{(\w+):=(\w+)\}/g;    # the three ports
my %known = (
    'vpn-sentinel-server' => { map { $_ => 1 } 'TZ', keys %default,
        map { content($_ =~ s{^\Q$SOURCE\E/}{}r) =~ /"($variable)"/g } glob "$SOURCE/mod_vpnsentinel/*.c" },
    'vpn-sentinel-client' => { map { $_ => 1 } 'TZ', content('client/options_table.c') =~ /"($variable)"/g },
);
my %image = map { ("vpn-sentinel-$_" => containerfile($_)) } qw(server client);

# --- versions ---------------------------------------------------------------------------------------------

subtest 'one version' => sub {
    my ($version) = $configure =~ /^AC_INIT\(\[vpnsentinel\], \[([\d.]+)\]/m;
    like($version // '', qr/^\d+\.\d+\.\d+$/, 'configure.ac has a version');
    my ($newest) = content('NEWS') =~ /^(\d+\.\d+\.\d+)$/m;
    is($newest, $version, 'NEWS begins with it');
    like(content('packaging/debian/changelog'), qr/\Avpnsentinel \(\Q$version\E(?:-[\w.~+]+)?\)/, 'Debian\'s changelog, too');
    like(content('packaging/rpm/vpnsentinel.spec.in'), qr/^Version: +\@VERSION\@$/m, 'the spec file takes it');
    for my $path ('packaging/rpm/vpnsentinel.spec.in', map { substr $_, 1 + length $SOURCE }
        glob("$SOURCE/$CONTAINERS/Containerfile.*"), glob("$SOURCE/$CONTAINERS/*/*.yaml")) {
        unlike(content($path), qr/\b\Q$version\E\b/, "$path: names none of its own");
    }
};

subtest 'one list of dependencies' => sub {
    my %asked = $configure =~ /^PKG_CHECK_MODULES\(\[\w+\], \[([\w-]+) >= ([\d.]+)\]\)/mg;
    my ($httpd) = $configure =~ /for httpd >= ([\d.]+)\]/;
    cmp_ok(scalar keys %asked, '>', 5, 'configure.ac asks for some');
    my %told = content('docs/install.md') =~ /^\| ([\w-]+) \| ([\d.]+) \| [\d.]+ \|/mg;
    is_deeply(\%told, { %asked, httpd => $httpd }, 'docs/install.md tells them');
    my $spec = content('packaging/rpm/vpnsentinel.spec.in');
    my %built = $spec =~ /^BuildRequires: +pkgconfig\(([\w-]+)\) >= ([\d.]+)$/mg;
    is_deeply(\%built, \%asked, 'the spec file has them');
    like($spec, qr/^BuildRequires: +httpd-devel >= \Q$httpd\E$/m, 'and httpd');
};

# --- the key that an installation makes ---------------------------------------------------------------------

# A package's script, with a folder of ours in place of the system's; it makes a file's mode right from the first.
sub make_key {
    my ($name, $script) = @_;
    my $folder = "$tmp/key-$name";
    make_path("$folder/bin");
    write_file("$folder/bin/chmod", "#!/bin/sh\n");
    chmod 0755, "$folder/bin/chmod";
    write_file("$folder/script", $script =~ s{/etc/vpn-sentinel}{$folder/etc}gr =~ s{/var/lib/vpnsentinel}{$folder}gr);
    local $ENV{PATH} = "$folder/bin:$ENV{PATH}";
    my $old = umask 022;
    my ($status, $output) = run('sh', '-e', "$folder/script", 'configure');
    umask $old;
    is($status, 0, "$name: makes a key") or diag $output;
    return "$folder/etc/api-keys";
}

subtest 'a key that nobody else has read' => sub {
    my ($post) = content('packaging/rpm/vpnsentinel.spec.in') =~ /^%post -n mod_vpnsentinel\n(.*?)^%\w/ms;
    my %script = (rpm => $post =~ s{%\{_sysconfdir\}}{/etc}gr,
        debian => content('packaging/debian/libapache2-mod-vpnsentinel.postinst'));
    for my $name (sort keys %script) {
        my $path = make_key($name, $script{$name});
        open(my $file, '<', $path) or die "$path: $!\n";
        like(do { local $/; <$file> }, qr/\A[0-9a-f]{64}\n\z/, '... of 64 digits');
        is(sprintf('%o', (stat $path)[2] & 07777), '600', '... for its owner, at no time for others');
    }
};

# --- images -----------------------------------------------------------------------------------------------

# The instructions of the last stage, by name, each a list of texts; the first stage's image as "base".
sub containerfile {
    my ($name) = @_;
    my $text = content("$CONTAINERS/Containerfile.$name") =~ s/^#.*\n//mgr =~ s/\\\n//gr;
    my ($first, @later) = split /^(?=FROM )/m, $text;
    my %last;
    push @{ $last{$1} }, $2 while $later[-1] =~ /^([A-Z]+) +(.*)$/mg;
    $last{base} = $1 if $first =~ /^FROM (\S+)/;
    return \%last;
}

for my $name (sort keys %image) {
    subtest "$name: image" => sub {
        my %has = %{ $image{$name} };
        like($has{base}, qr/^debian:[a-z]+-slim$/, 'is built in a Debian that is named');
        is($has{USER}[-1], $USER, 'runs as a user of its own, by number');
        like($has{HEALTHCHECK}[0], qr/^--interval=30s --timeout=10s --start-period=5s --retries=3 +CMD \["/,
            'has a health check');
        unlike(join(' ', map { @$_ } grep { ref } values %has), qr/API_KEY|TOKEN|\bcurl\b/, 'has no secret, no curl');
        my %set = map { /(\w+)=(\S+)/g } @{ $has{ENV} // [] };
        is_deeply([ grep { !$known{$name}{$_} } keys %set ], [], 'sets nothing that nobody reads');
        for my $port ($name =~ /server/ ? keys %default : ()) {
            is($set{$port}, $default{$port}, "$port: as conf/envvars has it");
            like($has{EXPOSE}[0], qr/\b$default{$port}\b/, "$port: exposed");
        }
    };
}

subtest 'the configuration of httpd in the image' => sub {
    my $text = content("$CONTAINERS/httpd.conf");
    my $three_ports = abs_path("$SOURCE/conf/three-ports.conf");
    my @folders = $text =~ m{"(/(?:run/vpn-sentinel|run/secrets|etc/vpn-sentinel|proc/self)\b[^"]*)"}g;
    cmp_ok(scalar @folders, '>', 5, 'its files are known');
    is_deeply([ $text =~ m{"(/(?!run/vpn-sentinel|run/secrets|etc/vpn-sentinel|proc/self/fd)[^"]*)"}g ], [],
        'there are none elsewhere');
    # As it is, but for where things are on this machine.
    my $here = $text =~ s{^ *LoadModule.*\n}{}mgr;
    $here =~ s{^(?:ServerRoot|ServerName|DefaultRuntimeDir|PidFile|Mutex|ErrorLog|LogLevel) .*\n}{}mg;
    $here =~ s{/run/secrets}{\@ROOT\@/secrets}g;
    $here =~ s{/proc/self/fd/1}{logs/vpnsentinel.log};
    $here =~ s{/etc/vpn-sentinel/conf\.d}{\@ROOT\@/conf.d}g;
    $here =~ s{/etc/vpn-sentinel/three-ports\.conf}{$three_ports};
    my %option = (conf => $here, modules => [qw(authz_host alias remoteip reqtimeout)], ports => 3, listen => 0,
        env => { map { $_->[0] => $_->[1] } [ VPN_SENTINEL_SERVER_API_PORT => '@PORT@' ],
            [ VPN_SENTINEL_SERVER_DASHBOARD_PORT => '@PORT1@' ], [ VPN_SENTINEL_SERVER_HEALTH_PORT => '@PORT2@' ] });
    my %secrets = ('secrets/api-keys' => "a-key-of-a-test\n", 'secrets/telegram-token' => "123456:a-token\n",
        'secrets/ipinfo-token' => "a-token\n");
    my $plain = VpsHttpd->start(%option);
    is($plain->request(GET => '/health', { port => 2 })->{status}, 200, 'serves without secrets');
    $plain->stop;
    my ($status, $output) = VpsHttpd->configtest(%option, files => \%secrets);
    is($status, 0, 'is good with them') or diag $output;
    for my $name (qw(api-keys telegram-token ipinfo-token)) {
        ($status, $output) = VpsHttpd->configtest(%option, files => { %secrets, "secrets/$name" => "\x01\n" });
        isnt($status, 0, "$name: is read");
        like($output, qr{secrets/$name}, "$name: from its file");
    }
    ($status, $output) = VpsHttpd->configtest(%option, files => { 'conf.d/own.conf' => "VPNSentinelRateLimit much\n" });
    like($output, qr/VPNSentinelRateLimit/, 'files of conf.d are read');
};

# --- Compose and Kubernetes ---------------------------------------------------------------------------------

# What each deployment must have: services, published ports, settings in words.
my %DEPLOYMENTS = (
    'all-in-one' => { services => [qw(vpn-client vpn-sentinel-client vpn-sentinel-server)],
        ports => [ '5000:5000', '8080:8080' ],
        settings => { VPN_SENTINEL_SERVER_URL => 'http://vpn-sentinel-server:5000' } },
    'client-standalone' => { services => ['vpn-sentinel-client'], ports => [],
        settings => { VPN_SENTINEL_SERVER_URL => 'https://central-server.example.com:5000' } },
    'server-central' => { services => ['vpn-sentinel-server'], ports => [ '443:5000', '5000:5000', '8080:8080' ],
        settings => { VPN_SENTINEL_SERVER_OFFLINE_THRESHOLD => '600' } },
);
# Of the Compose specification, what is used here.
my %SERVICE_KEYS = map { $_ => 1 } qw(build cap_add cap_drop container_name depends_on devices environment extra_hosts
    healthcheck image network_mode networks ports read_only restart secrets security_opt tmpfs user volumes);

sub volumes_of {
    my ($name) = @_;
    return $image{$name}{VOLUME}[0] =~ /"([^"]+)"/g;
}

# A value of Compose with its default in place of the variable.
sub with_default {
    my ($value) = @_;
    return $value =~ s/\$\{\w+(?::-([^}]*))?\}/$1 \/\/ ''/ger;
}

sub check_service {
    my ($name, $service) = @_;
    my ($kind) = $name =~ /(\w+)\z/;
    is($service->{build}{dockerfile}, "$CONTAINERS/Containerfile.$kind", "$name: is built by its file");
    is($service->{user}, $USER, "$name: is no root");
    is($service->{read_only}, 1, "$name: cannot change its root");
    is_deeply($service->{cap_drop}, ['ALL'], "$name: has no capabilities");
    is_deeply($service->{security_opt}, ['no-new-privileges:true'], "$name: gets none");
    my %check = %{ $service->{healthcheck} };
    my $test = join ' ', @{ delete $check{test} };
    is_deeply(\%check, { interval => '30s', timeout => '10s', start_period => '5s', retries => 3 }, "$name: health check");
    like($test, $kind eq 'server' ? qr{^CMD wget .*http://127\.0\.0\.1:8081/health$} : qr{^CMD \S+ --healthcheck$},
        "$name: what it asks");
    my @mounted = (@{ $service->{tmpfs} // [] }, map { /^[^:]+:([^:]+)/ } @{ $service->{volumes} // [] });
    is_deeply([ sort @mounted ], [ sort(volumes_of($name)) ], "$name: has the folders that it writes to");
    my @secrets = map { ref ? $_->{target} : $_ } @{ $service->{secrets} };
    my $taken = $kind eq 'server' ? content("$CONTAINERS/httpd.conf") : join ' ', values %{ $service->{environment} };
    is_deeply([ grep { $taken !~ m{/run/secrets/\Q$_\E\b} } @secrets ], [], "$name: reads its secrets");
    is_deeply([ grep { /KEY\z|TOKEN\z/ } keys %{ $service->{environment} } ], [], "$name: none is in the environment");
}

sub check_compose {
    my ($name, $compose, $text) = @_;
    my %wanted = %{ $DEPLOYMENTS{$name} };
    my %services = %{ $compose->{services} };
    is_deeply([ sort keys %services ], $wanted{services}, 'the services');
    is_deeply([ grep { $services{$_}{container_name} ne $_ } keys %services ], [], 'containers are called like them');
    is_deeply([ map { @{ $services{$_}{ports} // [] } } sort keys %services ], $wanted{ports}, 'the ports');
    my %all;
    for my $service (sort keys %services) {
        my %set = %{ $services{$service}{environment} };
        %all = (%all, %set);
        is_deeply([ grep { !$SERVICE_KEYS{$_} } keys %{ $services{$service} } ], [], "$service: its keys exist");
        is_deeply([ grep { $known{$service} ? !$known{$service}{$_} : /^VPN_SENTINEL/ } keys %set ], [],
            "$service: knows its variables");
        check_service($service, $services{$service}) if $known{$service};
        my @secrets = map { ref ? $_->{source} : $_ } @{ $services{$service}{secrets} // [] };
        is_deeply([ grep { !$compose->{secrets}{$_} } @secrets ], [], "$service: its secrets are somewhere");
        my @partners = (@{ $services{$service}{depends_on} // [] }, ($services{$service}{network_mode} // '') =~ /^service:(.*)/);
        is_deeply([ grep { !$services{$_} } @partners ], [], "$service: what it depends on is there");
    }
    is(with_default($all{$_}), $wanted{settings}{$_}, "$_") for keys %{ $wanted{settings} };
    my @example = content("$CONTAINERS/$name/.env.example") =~ /^(\w+)=/mg;
    cmp_ok(scalar @example, '>', 0, '.env.example has settings');
    is_deeply([ grep { index($text, "\${$_") < 0 } @example ], [], 'all of them are used');
}

sub probe {
    my ($probe) = @_;
    return $probe->{exec} ? join ' ', @{ $probe->{exec}{command} } : "$probe->{httpGet}{port} $probe->{httpGet}{path}";
}

sub check_pod {
    my ($deployment) = @_;
    my $name = $deployment->{metadata}{name};
    my $pod = $deployment->{spec}{template}{spec};
    my ($container) = grep { $_->{name} eq $name } @{ $pod->{containers} };
    is_deeply($deployment->{spec}{selector}{matchLabels}, $deployment->{spec}{template}{metadata}{labels}, "$name: selects its pods");
    my %security = (%{ $pod->{securityContext} }, %{ $container->{securityContext} });
    is("$security{runAsUser}:$security{runAsGroup}", $USER, "$name: is no root");
    is($security{runAsNonRoot}, 1, "$name: must not be");
    is($security{readOnlyRootFilesystem}, 1, "$name: cannot change its root");
    is($security{allowPrivilegeEscalation}, '', "$name: gets no privileges");
    is_deeply($security{capabilities}, { drop => ['ALL'] }, "$name: has no capabilities");
    is_deeply([ grep { !$known{$name}{$_} } map { $_->{name} } @{ $container->{env} } ], [], "$name: knows its variables");
    my %mounts = map { $_->{mountPath} => 1 } @{ $container->{volumeMounts} };
    is_deeply([ grep { !$mounts{$_} } volumes_of($name) ], [], "$name: has the folders that it writes to");
    my %volumes = map { $_->{name} => 1 } @{ $pod->{volumes} };
    is_deeply([ grep { !$volumes{$_} } map { $_->{name} } map { @{ $_->{volumeMounts} } } @{ $pod->{containers} } ], [],
        "$name: its volumes are somewhere");
    is($container->{livenessProbe}{initialDelaySeconds}, 10, "$name: liveness begins");
    is($container->{livenessProbe}{periodSeconds}, 30, "$name: liveness goes on");
    return map { probe($container->{"${_}Probe"}) } qw(liveness readiness startup);
}

SKIP: {
    eval { require YAML::XS } or skip 'YAML::XS (libyaml-libyaml-perl) is not here', 1;
    for my $name (sort keys %DEPLOYMENTS) {
        subtest "compose: $name" => sub {
            my $text = content("$CONTAINERS/$name/compose.yaml");
            check_compose($name, YAML::XS::Load($text), $text);
        };
    }
    subtest 'kubernetes: server' => sub {
        my %object = map { $_->{kind} => $_ } YAML::XS::Load(content("$CONTAINERS/kubernetes/server.yaml"));
        is_deeply([ sort keys %object ], [qw(Deployment PersistentVolumeClaim Service)], 'the objects');
        my @probes = check_pod($object{Deployment});
        is_deeply(\@probes, [ '8081 /health', 'health /health/ready', 'health /health/startup' ], 'the probes');
        my %port = map { $_->{name} => $_->{containerPort} }
            @{ $object{Deployment}{spec}{template}{spec}{containers}[0]{ports} };
        is_deeply([ sort { $a <=> $b } values %port ], [ sort { $a <=> $b } values %default ], 'the ports');
        is_deeply([ grep { !$port{ $_->{targetPort} } } @{ $object{Service}{spec}{ports} } ], [], 'those of the service');
        is_deeply($object{Service}{spec}{selector}, $object{Deployment}{spec}{selector}{matchLabels}, 'the service finds it');
    };
    subtest 'kubernetes: client' => sub {
        my ($liveness, $readiness, $startup) = check_pod(YAML::XS::Load(content("$CONTAINERS/kubernetes/client.yaml")));
        like($liveness, qr{:8082/client/health$}, 'liveness');
        like($readiness, qr{vpn-sentinel-client --healthcheck$}, 'readiness');
        like($startup, qr{:8082/client/health/startup$}, 'startup');
    };
}

# --- systemd ------------------------------------------------------------------------------------------------

my $UNIT = 'vpn-sentinel-client.service';

# The unit with a program that is there, in a folder of its own, with a drop-in; its path.
sub unit_with {
    my ($folder, $dropin) = @_;
    make_path("$tmp/$folder/$UNIT.d");
    write_file("$tmp/$folder/$UNIT", content('conf/vpn-sentinel-client.service.in') =~ s{^ExecStart=\S+}{ExecStart=/bin/true}mr);
    write_file("$tmp/$folder/$UNIT.d/netns.conf", $dropin);
    return "$tmp/$folder/$UNIT";
}

subtest 'systemd' => sub {
    my $unit = content('conf/vpn-sentinel-client.service.in');
    like($unit, qr/^Type=notify$/m, 'the client tells when it is ready');
    like($unit, qr/^WatchdogSec=\d+s$/m, 'systemd looks whether it lives');
  SKIP: {
        skip 'there is no systemd-analyze', 5 if !is_there('systemd-analyze');
        my $dropin = content('conf/vpn-sentinel-client-netns.conf');
        like($dropin, qr{^NetworkNamespacePath=/run/netns/\w+$}m, 'the drop-in names a namespace');
        my ($status, $output) = run('systemd-analyze', 'verify', '--man=no', unit_with('plain', $dropin));
        is($status, 0, 'unit and drop-in are good') or diag $output;
        unlike($output, qr/\Q$UNIT\E/, 'nothing is said of them');
        ($status, $output) = run('systemd-analyze', 'verify', '--man=no', unit_with('bad', "[Service]\nNoSuchThing=1\n"));
        like($output, qr/NoSuchThing/, 'a drop-in that is not would be told of');
        ($status, $output) = run('systemd-analyze', 'security', '--offline=true', '--threshold=20', '--no-pager',
            "$tmp/plain/$UNIT");
        is($status, 0, 'the unit is exposed by less than 2.0') or diag $output;
    }
};

done_testing;
