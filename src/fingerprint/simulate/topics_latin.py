"""Spanish, German and French topics; the format is that of :mod:`fingerprint.simulate.topics_tech`.

Frames put ``n`` and ``p`` where nominative and accusative look alike, so German nouns are feminine, neuter or plural and all carry an article;
French ones follow prepositions that do not merge with it.
"""

from __future__ import annotations

TEXT = r"""
== es es
# programación en Python
n el bucle; la función recursiva; el entorno virtual; la clase; el fichero CSV; la prueba unitaria; el diccionario; la consulta SQL
p los decoradores; las listas por comprensión; los errores de codificación; las dependencias; los hilos; las expresiones regulares
v leer un archivo grande; ordenar una lista de tuplas; conectar con una base de datos; borrar duplicados; medir el tiempo de ejecución
s el programa se queda sin memoria; el import falla en el servidor; la fecha sale al revés; el bucle no termina nunca
# cocina casera
n la paella; la tortilla de patatas; el cocido; la salsa de tomate; el arroz con leche; la masa de pizza; el horno; la olla rápida
p las especias; los sofritos; las legumbres; los tiempos de cocción; las cenas rápidas; los postres sin azúcar
v cocinar para ocho; aprovechar el pan duro; espesar una salsa; cocer garbanzos; congelar raciones; hacer un bizcocho sin huevo
s el arroz se me pasa; la tortilla se rompe al darle la vuelta; la masa no sube; la salsa queda aguada
# oposiciones y estudios
n el temario; el examen tipo test; la beca; el trabajo de fin de grado; el resumen; el esquema; la tutoría; la bibliografía
p los plazos; los apuntes; las citas; las técnicas de estudio; los simulacros; las notas de corte
v preparar una exposición; resumir un tema; memorizar leyes; escribir la introducción; citar una fuente; planificar un mes de estudio
s me quedo en blanco; el tutor no contesta; no llego a todo el temario; siempre lo dejo para el final
# alquiler y trámites
n el contrato de alquiler; la fianza; el casero; la declaración de la renta; el empadronamiento; la cita previa; la factura de la luz; el recurso
p los autónomos; las deducciones; los plazos de aviso; los gastos de comunidad; las multas; los certificados
v recuperar la fianza; reclamar una factura; darse de alta como autónomo; rescindir un contrato; recurrir una multa; pedir una ayuda
s el casero no arregla la caldera; la cita previa nunca tiene huecos; me han cobrado dos veces; falta un documento
# viajes por España
n el Camino de Santiago; la ruta en coche; el albergue; la Alhambra; el tren nocturno; la playa; la maleta; el puente de mayo
p los pueblos blancos; las entradas; las excursiones; los precios en agosto; las calas; los menús del día
v organizar tres días en Granada; viajar con niños; encontrar un hotel barato; preparar la mochila; ver Sevilla en un día
s las entradas están agotadas; el vuelo sale de madrugada; no sé conducir con marchas; en agosto hace demasiado calor
# fútbol y deporte
n el fuera de juego; la liga; el entrenamiento; el portero; la media maratón; el gimnasio; la dieta; la lesión
p los fichajes; las rutinas de fuerza; los estiramientos; las agujetas; las tácticas; los goles
v correr diez kilómetros; entrenar a niños; ganar masa muscular; volver de una lesión; explicar el fuera de juego
s me duele la rodilla al correr; el equipo se hunde en la segunda parte; no bajo de peso; me aburro en el gimnasio
# marketing y pequeñas empresas
n el plan de negocio; la página web; el boletín; la tienda en línea; el presupuesto; el anuncio; la reseña; el catálogo
p las redes sociales; los clientes nuevos; los márgenes; los envíos; los proveedores; las campañas
v redactar un anuncio; contestar una mala reseña; fijar precios; captar clientes; escribir un correo de venta; abrir una cafetería
s nadie hace clic en el anuncio; las ventas bajan en enero; el proveedor se retrasa; la web tarda en cargar
# familia y mascotas
n el cachorro; el gato; la adolescente; el bebé; la guardería; el veterinario; la rutina de sueño; el cumpleaños
p las rabietas; los deberes; las vacunas; los celos; los paseos; las pantallas
v dormir al bebé; educar a un cachorro; hablar con mi hijo; organizar un cumpleaños; presentar dos gatos; poner límites
s el perro ladra toda la noche; mi hija no quiere comer; el gato araña el sofá; los hermanos se pelean
# historia y literatura
n la Guerra Civil; el Quijote; el comentario de texto; la Generación del 27; el soneto; la Transición; el narrador; la Ilustración
p las causas; las metáforas; los personajes; las fuentes; las colonias; los movimientos
v comentar un poema; comparar dos novelas; explicar las causas; hacer un eje cronológico; escribir un ensayo
s no entiendo el narrador; mi comentario solo cuenta el argumento; las fuentes se contradicen; el ensayo no tiene tesis
== de de
# Softwareentwicklung
n die Schnittstelle; das Skript; die Datenbank; die Schleife; das Paket; die Testumgebung; die Abfrage; das Docker-Image
p Abhängigkeiten; Fehlermeldungen; Zugriffsrechte; Entwurfsmuster; Umlaute; reguläre Ausdrücke; Threads
v eine CSV-Datei einlesen; einen Cronjob einrichten; Daten sortieren; eine REST-Schnittstelle testen; den Speicherverbrauch messen
s das Skript bricht mit einem Fehler ab; die Umlaute werden falsch angezeigt; der Build dauert ewig; die Verbindung läuft in ein Timeout
# Steuern und Behörden
n die Steuererklärung; das Finanzamt; die Anmeldung; das Elterngeld; die Nebenkostenabrechnung; die Frist; das Formular; die Rechnung
p Werbungskosten; Sonderausgaben; Freibeträge; Bescheide; Belege; Umzugskosten; Nachzahlungen
v ein Arbeitszimmer absetzen; Einspruch einlegen; Elterngeld beantragen; eine Rechnung schreiben; ein Gewerbe anmelden
s das Finanzamt fordert Belege; die Frist ist abgelaufen; das Formular ist unverständlich; die Nachzahlung ist viel zu hoch
# Mieten und Wohnen
n die Kaution; die Mieterhöhung; die Hausordnung; das Übergabeprotokoll; die Heizung; die Küche; die Kündigung; das Badezimmer
p Schimmelflecken; Schönheitsreparaturen; Nachbarn; Untermieter; Möbel; Fliesen; Wände
v die Kaution zurückfordern; Schimmel melden; einen Mietvertrag kündigen; eine Wand verputzen; die Heizung entlüften
s der Vermieter reagiert nicht; die Heizung gluckert; im Schlafzimmer schimmelt es; die Nachbarn sind zu laut
# Kochen und Backen
n die Soße; das Sauerteigbrot; die Kürbissuppe; das Gulasch; die Torte; das Rezept; die Pfanne; das Hefegebäck
p Gewürze; Knödel; Reste; Garzeiten; Beilagen; Plätzchen; Kräuter
v Brot ohne Kasten backen; eine Soße binden; Reste verwerten; für zehn Leute kochen; einen Teig über Nacht führen
s der Teig geht nicht auf; die Soße gerinnt; das Brot wird innen klitschig; der Braten ist zäh
# Wandern und Reisen
n die Hütte; die Alpenüberquerung; das Zelt; die Ferienwohnung; die Zugverbindung; die Packliste; das Wohnmobil; die Fähre
p Wanderwege; Reservierungen; Regenjacken; Campingplätze; Tagestouren; Ausflüge; Verspätungen
v eine Tour planen; mit Kindern wandern; leicht packen; günstig nach Norwegen reisen; eine Hütte buchen
s die Hütten sind ausgebucht; der Zug fällt dauernd aus; meine Schuhe drücken; das Zelt ist undicht
# Schule und Studium
n die Hausarbeit; das Referat; die Gliederung; die Bachelorarbeit; die Klausur; das Praktikum; die Erörterung; das Semester
p Quellen; Zitate; Ableitungen; Gedichte; Vokabeln; Formeln; Noten
v eine Einleitung schreiben; ein Gedicht analysieren; für eine Klausur lernen; eine Quelle zitieren; ein Referat kürzen
s mir fehlt der rote Faden; der Betreuer antwortet nicht; ich verstehe die Aufgabe nicht; die Zeit reicht nie
# Garten und Tiere
n das Hochbeet; die Tomate; die Hecke; das Gewächshaus; die Katze; das Aquarium; die Wiese; das Hundetraining
p Schnecken; Blattläuse; Obstbäume; Stauden; Welpen; Wildbienen; Hühner
v ein Hochbeet anlegen; Rosen schneiden; einen Welpen erziehen; Kompost ansetzen; zwei Katzen zusammenführen
s die Blätter werden gelb; Schnecken fressen alles; der Hund zieht an der Leine; der Rasen ist voller Moos
# Beruf und Bewerbung
n das Anschreiben; die Gehaltsverhandlung; das Zeugnis; die Präsentation; die Kündigungsfrist; das Mitarbeitergespräch; die Stelle; das Protokoll
p Überstunden; Stärken; Lücken; Fragen; Ziele; E-Mails; Besprechungen
v ein Anschreiben kürzen; ein Zeugnis deuten; mehr Gehalt verlangen; eine Absage schreiben; ein Protokoll verfassen
s ich bekomme nur Absagen; der Chef lobt nie; das Zeugnis klingt schlecht; die Besprechungen dauern zu lange
# Gesundheit und Sport
n die Rückenschmerzen; das Training; die Erkältung; die Ernährung; das Knie; die Physiotherapie; die Schlafstörung; das Blutbild
p Übungen; Kalorien; Nebenwirkungen; Allergien; Vitamine; Laufschuhe; Kopfschmerzen
v besser schlafen; fünf Kilo abnehmen; nach der Operation trainieren; einen Trainingsplan erstellen; den Nacken dehnen
s das Knie knackt beim Treppensteigen; ich wache jede Nacht auf; der Rücken zieht morgens; die Tabletten machen müde
== fr fr
# programmation
n la boucle; le script; la base de données; la requête; le conteneur; la fonction; le test unitaire; la page web
p les dépendances; les exceptions; les expressions régulières; les droits d'accès; les dates; les encodages
v lire un fichier CSV; trier une liste; déployer une application; écrire une requête; corriger une fuite de mémoire
s le script plante au bout d'une heure; les accents s'affichent mal; la requête est trop lente; le test échoue une fois sur deux
# cuisine
n la pâte feuilletée; la blanquette; la quiche; le levain; la sauce; la tarte aux pommes; le gratin; la soupe
p les restes; les épices; les desserts sans gluten; les temps de cuisson; les légumes d'hiver; les repas rapides
v cuisiner pour dix; rattraper une mayonnaise; faire un pain sans machine; remplacer les œufs; préparer un menu de fête
s la pâte ne lève pas; la sauce tourne; le gâteau retombe; les crêpes collent
# démarches et logement
n le bail; la caution; le préavis; le propriétaire; la déclaration de revenus; la carte grise; la mutuelle; le dossier
p les charges; les impôts; les aides au logement; les délais; les justificatifs; les amendes
v résilier un contrat; récupérer une caution; contester une amende; déclarer un revenu annexe; écrire une lettre de relance
s le propriétaire ne répond pas; le dossier est bloqué; le chauffage ne marche plus; la facture a doublé
# études et examens
n la dissertation; le mémoire; le commentaire composé; la fiche de lecture; le grand oral; la problématique; le plan; la bibliographie
p les citations; les révisions; les intégrales; les connecteurs; les sources; les notes
v trouver une problématique; rédiger une introduction; réviser en une semaine; analyser un poème; préparer un oral
s mon plan ne tient pas; je manque de temps; le sujet est trop vague; mon directeur veut tout changer
# voyages
n la randonnée; le gîte; le billet de train; la valise; le tour de Corse; la traversée; la réservation; la plage
p les visites; les péages; les bons restaurants; les marchés; les retards; les sentiers
v organiser trois jours à Lisbonne; voyager avec un bébé; trouver un gîte; faire le tour de Bretagne; voyager léger
s le train est annulé; tout est complet en août; la location est trop chère; je crains le mal de mer
# travail et carrière
n la lettre de motivation; le CV; l'entretien; la réunion; la présentation; le compte rendu; la rupture conventionnelle; le télétravail
p les relances; les compétences; les objectifs; les conflits; les congés; les primes
v négocier un salaire; écrire un compte rendu; relancer un client; préparer un entretien; refuser une mission
s je ne reçois aucune réponse; mon chef change d'avis; la réunion n'en finit pas; mon poste est supprimé
# maison et jardin
n le potager; la chaudière; le carrelage; la haie; la fuite; le parquet; la peinture; le composteur
p les limaces; les tomates; les murs humides; les semis; les fissures; les rosiers
v poncer un parquet; réparer une fuite; tailler une haie; isoler un grenier; semer en avril
s les feuilles jaunissent; le robinet goutte; la peinture cloque; les semis filent
# santé et bien-être
n le sommeil; le mal de dos; la prise de sang; le régime; la course à pied; le stress; la tension; la migraine
p les étirements; les vitamines; les allergies; les calories; les effets secondaires; les exercices
v mieux dormir; courir un semi; perdre du poids; calmer une crise d'angoisse; lire une analyse
s je me réveille à quatre heures; le genou craque; je grignote le soir; la douleur revient
# histoire et culture
n la Révolution; le Front populaire; le roman; la tragédie; le tableau; le film; la poésie; la philosophie des Lumières
p les causes; les personnages; les figures de style; les courants; les guerres; les idées
v comparer deux œuvres; expliquer un tableau; résumer un chapitre; situer un texte; écrire une critique
s le narrateur me perd; les dates ne collent pas; mon analyse paraphrase; la fin est obscure
"""
